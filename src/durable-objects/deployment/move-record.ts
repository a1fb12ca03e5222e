// The move of slots that is being made: one row, which says how far it is before the next step is made.

import type { NumberedMove } from "../../contracts/rpc.ts";
import { firstRow } from "../../platform/first-row.ts";
import type { ShardKind } from "./shard-list.ts";

/** What is done next: see slot-mover.ts. */
export type MovePhase = "preparing" | "held" | "copying" | "copied" | "adopted";

export interface Move extends NumberedMove {
  readonly kind: ShardKind;
  readonly phase: MovePhase;
  /** How many pages were copied. */
  readonly pages: number;
  /** Where the next one begins; null: there are no more. */
  readonly next: string | null;
}

interface MoveRow extends Record<string, SqlStorageValue> {
  id: number;
  kind: ShardKind;
  from_shard: number;
  to_shard: number;
  slots: string;
  phase: MovePhase;
  pages: number;
  next: string | null;
}

export class MoveRecord {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Null: no slots move. */
  get current(): Move | null {
    const row = firstRow(this.#sql.exec<MoveRow>("SELECT * FROM slot_move"));
    if (row === undefined) return null;
    const { id, kind, from_shard: from, to_shard: to, slots, phase, pages, next } = row;
    return { id, kind, from, to, slots: JSON.parse(slots) as number[], phase, pages, next };
  }

  begin({ id, kind, from, to, slots, phase, pages, next }: Move): void {
    const row = [id, kind, from, to, JSON.stringify(slots), phase, pages, next];
    this.#sql
      .exec(
        `INSERT INTO slot_move (id, kind, from_shard, to_shard, slots, phase, pages, next)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...row,
      )
      .toArray();
  }

  /** It is so far now. */
  reached({ id }: NumberedMove, phase: MovePhase, pages: number, next: string | null): void {
    this.#sql
      .exec("UPDATE slot_move SET phase = ?, pages = ?, next = ? WHERE id = ?", phase, pages, next, id)
      .toArray();
  }

  /** It is made, or given up. */
  end(): void {
    this.#sql.exec("DELETE FROM slot_move").toArray();
  }
}
