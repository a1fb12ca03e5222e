// The rows of a topic shard that hang on slots, as parts that are written, weighed and removed: routes, members of groups,
// claims, what waits for groups, retained messages. What waits for a group that stands everywhere goes by its topic.

import { limits } from "../../broker/limits.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { EVERYWHERE, slotOfTopic } from "../../broker/topics/slots.ts";
import type { RowValue } from "../../contracts/row-page.ts";
import type { SlotWeight } from "../../platform/slot-choice.ts";
import type { Part, RowsRead } from "../../platform/slot-parts.ts";
import { readPlace, TablePart, writePlace } from "../../platform/slot-parts.ts";

const TABLES = [
  { table: "route", key: ["filter", "shard"] },
  { table: "member", key: ["filter", "grp", "uid"] },
  { table: "claim", key: ["filter"] },
  { table: "group_message", key: ["filter", "grp", "id"], packets: true },
  { table: "retained", key: ["topic"], packets: true },
];
/** Rows that wait for groups everywhere, looked at in one go: fewer if they are large. */
const LOOKED_ROWS = 512;
/** So many goes are one step. */
const GOES = 16;

/** What waits for groups that stand everywhere, of topics of these slots. */
class WaitingEverywhere implements Part {
  readonly table = "group_message";
  readonly key = ["filter", "grp", "id"];
  readonly #sql: SqlStorage;
  readonly #all: TablePart;
  readonly #slots: ReadonlySet<number>;

  constructor(sql: SqlStorage, slots: readonly number[]) {
    this.#sql = sql;
    this.#all = partOf(sql, EVERYWHERE, "group_message");
    this.#slots = new Set(slots);
  }

  read(after: readonly RowValue[] | null, limit: number): RowsRead {
    const { rows, next } = this.#all.read(after, limit);
    let passed = 0;
    const moving = rows.filter(({ packet }) => {
      if (!(packet instanceof ArrayBuffer)) return false;
      const moves = this.#slots.has(slotOfTopic(readTrustedPublish(new Uint8Array(packet)).topic));
      if (!moves) passed += packet.byteLength;
      return moves;
    });
    return { rows: moving, next, passed };
  }

  /** Removes those behind a key, some at a time. Returns the key to go on behind; null: it is done. */
  removeSome(after: readonly RowValue[] | null): readonly RowValue[] | null {
    let place = after;
    for (let go = 0; go < GOES; go++) {
      const { rows, next } = this.read(place, LOOKED_ROWS);
      for (const { filter = null, grp = null, id = null } of rows) {
        const key = [EVERYWHERE, filter, grp, id];
        this.#sql
          .exec("DELETE FROM group_message WHERE slot = ? AND filter = ? AND grp = ? AND id = ?", ...key)
          .toArray();
      }
      place = next;
      if (place === null) break;
    }
    return place;
  }
}

export class MovingRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** In the order in which they are adopted. `everywhere`: with what stands everywhere. */
  parts(slots: readonly number[], everywhere: boolean): Part[] {
    const parts: Part[] = [];
    if (everywhere) for (const table of ["route", "member"]) parts.push(partOf(this.#sql, EVERYWHERE, table));
    for (const slot of slots) for (const { table } of TABLES) parts.push(partOf(this.#sql, slot, table));
    return [...parts, new WaitingEverywhere(this.#sql, slots)];
  }

  /** What is stored of a slot, looked at up to what may move together. */
  weightOf(slot: number): SlotWeight {
    let [bytes, rows] = [0, 0];
    for (const { table, packets } of TABLES) {
      const size = packets === true ? "length(packet)" : "0";
      const found = this.#sql
        .exec<{ bytes: number; rows: number }>(
          `SELECT coalesce(sum(bytes), 0) AS bytes, count(*) AS rows FROM
             (SELECT ${size} AS bytes FROM ${table} WHERE slot = ? LIMIT ?)`,
          slot,
          limits.moveRows + 1,
        )
        .one();
      bytes += found.bytes;
      rows += found.rows;
    }
    return { slot, bytes, rows };
  }

  /** Removes some of what is stored of slots, from a place on: "" or what it returned before. Null: nothing is left. */
  remove(slots: readonly number[], from: string): string | null {
    const [first, after] = readPlace(from);
    const tables = slots.flatMap((slot) => TABLES.map(({ table }) => partOf(this.#sql, slot, table)));
    const most = { bytes: limits.movePageBytes, rows: limits.movePageRows };
    let left: number = most.rows;
    for (const [place, part] of tables.entries()) {
      if (place < first) continue;
      const { rows, more } = part.removeSome(most);
      left -= rows;
      if (more || left <= 0) return writePlace(more ? place : place + 1, null);
    }
    const waiting = new WaitingEverywhere(this.#sql, slots);
    const next = waiting.removeSome(first === tables.length ? after : null);
    return next === null ? null : writePlace(tables.length, next);
  }

  /** Removes some of what an earlier life with slots has left, of all slots (null) or of some. True: there may be more. */
  clear(slots: readonly number[] | null): boolean {
    const most = { bytes: limits.movePageBytes, rows: limits.movePageRows };
    for (const { table, key, packets } of TABLES) {
      for (const slot of slots ?? this.#slotsIn(table)) {
        const part = new TablePart(this.#sql, table, { column: "slot", value: slot, key, packets: packets === true });
        if (part.removeSome(most).rows > 0) return true;
      }
    }
    return false;
  }

  /** The first slot that has rows. */
  #slotsIn(table: string): number[] {
    return this.#sql
      .exec<{ slot: number }>(`SELECT slot FROM ${table} ORDER BY slot LIMIT 1`)
      .toArray()
      .map(({ slot }) => slot);
  }
}

function partOf(sql: SqlStorage, slot: number, table: string): TablePart {
  const { key = [], packets = false } = TABLES.find((each) => each.table === table) ?? {};
  return new TablePart(sql, table, { column: "slot", value: slot, key, packets });
}
