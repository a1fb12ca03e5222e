// Slots of this shard that are closed, because they leave for another one: nobody of them connects, and what is stored of
// their sessions stands still but for messages that come. Remembered in SQLite until they have left or the move is given up.

import { slotOfClientId } from "../../broker/topics/slots.ts";
import type { NumberedMove } from "../../contracts/rpc.ts";
import { firstRow } from "../../platform/first-row.ts";

interface ClosedRow extends Record<string, SqlStorageValue> {
  move: number;
  slots: string;
  at: number;
  published: number;
}

export class ClosedSlots {
  readonly #sql: SqlStorage;
  #slots: ReadonlySet<number> = new Set();
  #move: number | null = null;
  /** When they were closed, epoch milliseconds. */
  at = 0;
  /** Sequence of the last message that this shard had taken by then. */
  published = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    const row = firstRow(sql.exec<ClosedRow>("SELECT * FROM closed_slots"));
    if (row !== undefined) this.#set(row);
  }

  /** Whether these are closed for this move. */
  areOf({ id }: NumberedMove): boolean {
    return this.#move === id;
  }

  get all(): readonly number[] {
    return Array.from(this.#slots);
  }

  has(slot: number): boolean {
    return this.#slots.size > 0 && this.#slots.has(slot);
  }

  hasClient(clientId: string): boolean {
    return this.#slots.size > 0 && this.#slots.has(slotOfClientId(clientId));
  }

  close({ id, slots }: NumberedMove, at: number, published: number): void {
    this.#open();
    const row: ClosedRow = { move: id, slots: JSON.stringify(slots), at, published };
    const values = [row.move, row.slots, row.at, row.published];
    this.#sql.exec("INSERT INTO closed_slots (move, slots, at, published) VALUES (?, ?, ?, ?)", ...values);
    this.#set(row);
  }

  /** Another move is made now, or none (0). */
  placed(move: number): void {
    if (this.#move !== null && this.#move !== move) this.#open();
  }

  #open(): void {
    this.#slots = new Set();
    this.#move = null;
    this.#sql.exec("DELETE FROM closed_slots").toArray();
  }

  #set({ move, slots, at, published }: ClosedRow): void {
    this.#slots = new Set(JSON.parse(slots) as number[]);
    this.#move = move;
    this.at = at;
    this.published = published;
  }
}
