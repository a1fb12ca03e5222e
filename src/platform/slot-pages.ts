// What moves with slots between two objects, at both ends: written as pages of rows where it leaves, kept in table
// `slot_page` where it arrives until all of it is there. Both survive any crash: a page may be written and kept again.

import type { Row, TableRows } from "../contracts/row-page.ts";
import { readRowPage, rowBytes, writeRowPage } from "../contracts/row-page.ts";
import type { SlotPage } from "../contracts/rpc.ts";
import { firstRow } from "./first-row.ts";

/** A page has one row more at most. Far below what a value of SQLite may be. */
const PAGE_BYTES = 512 * 1_024;
/** Rows read at a time: more while they are small, since any may have a megabyte. */
const ROWS_MIN = 8;
const ROWS_MAX = 512;
const ROWS_BYTES = 256 * 1_024;
const ADOPTED = "adopted_move";

/** The table that an object's migrations must have. */
export const SLOT_PAGE_TABLE = `-- What has come of slots that move here, until all of it has.
   CREATE TABLE slot_page (n INTEGER PRIMARY KEY, move INTEGER NOT NULL, bytes BLOB NOT NULL);`;

/** Rows of one table that move. What is written must not change before all pages are. */
export interface Part {
  readonly table: string;
  /** Up to `limit` rows from place `offset` on, in an order that stays. */
  rows(offset: number, limit: number): Row[];
}

/** The page that begins at `from`: "" or the `next` of the one before it. */
export function writeSlotPage(parts: readonly Part[], from: string): SlotPage {
  const [firstPart = 0, firstOffset = 0] = from === "" ? [] : from.split(" ").map(Number);
  const tables: TableRows[] = [];
  let bytes = 0;
  for (let place = firstPart; place < parts.length; place++) {
    const part = parts[place];
    if (part === undefined) break;
    const rows: Row[] = [];
    tables.push({ table: part.table, rows });
    let offset = place === firstPart ? firstOffset : 0;
    for (let limit = ROWS_MIN; ;) {
      const read = part.rows(offset, limit);
      let size = 0;
      for (const row of read) {
        if (bytes >= PAGE_BYTES) return { bytes: writeRowPage(tables), next: `${place} ${offset}` };
        rows.push(row);
        offset += 1;
        size += rowBytes(row);
        bytes += rowBytes(row);
      }
      if (read.length < limit) break;
      limit = size < ROWS_BYTES ? Math.min(2 * limit, ROWS_MAX) : Math.max(limit >> 1, ROWS_MIN);
    }
  }
  return { bytes: writeRowPage(tables), next: null };
}

/** The pages that have come. */
export class SlotPages {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** `first`: what had come before is of no use. */
  keep(move: number, page: Uint8Array, first: boolean): void {
    if (first) this.#sql.exec("DELETE FROM slot_page").toArray();
    this.#sql.exec("INSERT INTO slot_page (move, bytes) VALUES (?, ?)", move, page.slice().buffer as ArrayBuffer);
  }

  /** All rows of a move that has not been adopted yet, by table; null: it has. `adopted` must follow in the same event. */
  take(move: number): Map<string, Row[]> | null {
    const adopted = firstRow(this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = ?", ADOPTED));
    if ((adopted?.value ?? 0) >= move) return null;
    const tables = new Map<string, Row[]>();
    const pages = this.#sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM slot_page WHERE move = ? ORDER BY n", move);
    for (const { bytes } of pages) {
      for (const { table, rows } of readRowPage(new Uint8Array(bytes))) {
        const known = tables.get(table);
        if (known === undefined) tables.set(table, [...rows]);
        else for (const row of rows) known.push(row);
      }
    }
    return tables;
  }

  /** The rows are the object's own now. */
  adopted(move: number): void {
    this.#sql.exec("DELETE FROM slot_page").toArray();
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", ADOPTED, move);
  }
}
