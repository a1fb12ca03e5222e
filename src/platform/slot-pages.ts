// What moves with slots between two objects, at both ends: written as pages of rows where it leaves, kept in table
// `slot_page` where it arrives until all of it is there. Both survive any crash: a page may be written and kept again.

import type { Row, RowValue, TableRows } from "../contracts/row-page.ts";
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
  /** Columns by which the rows are sorted, and which tell them apart. */
  readonly key: readonly string[];
  /** Up to `limit` rows behind the one with the key `after` (null: from the first on), in the order of their keys. */
  rows(after: readonly RowValue[] | null, limit: number): Row[];
}

/** Rows that have come, by table. */
export type ArrivedRows = ReadonlyMap<string, readonly Row[]>;

/** The page that begins at `from`: "" or the `next` of the one before it. */
export function writeSlotPage(parts: readonly Part[], from: string): SlotPage {
  const [first, behind] = from === "" ? [0, null] : (JSON.parse(from) as [number, RowValue[] | null]);
  const tables: TableRows[] = [];
  let bytes = 0;
  for (let place = first; place < parts.length; place++) {
    const part = parts[place];
    if (part === undefined) break;
    const rows: Row[] = [];
    tables.push({ table: part.table, rows });
    let after = place === first ? behind : null;
    for (let limit = ROWS_MIN; ;) {
      const read = part.rows(after, limit);
      let size = 0;
      for (const row of read) {
        if (bytes >= PAGE_BYTES) return { bytes: writeRowPage(tables), next: JSON.stringify([place, after]) };
        rows.push(row);
        after = part.key.map((column) => row[column] ?? null);
        size += rowBytes(row);
        bytes += rowBytes(row);
      }
      if (read.length < limit) break;
      limit = size < ROWS_BYTES ? Math.min(2 * limit, ROWS_MAX) : Math.max(limit >> 1, ROWS_MIN);
    }
  }
  return { bytes: writeRowPage(tables), next: null };
}

/** Rows that are in memory, with the name of the column that tells them apart and by which they are sorted. */
export function partOf(table: string, key: string, rows: readonly Row[]): Part {
  return {
    table,
    key: [key],
    rows: (after, limit) => {
      const from = after === null ? 0 : rows.findIndex((row) => row[key] === after[0]) + 1;
      return rows.slice(from, from + limit);
    },
  };
}

/** The rows of a table with a value in a column, which the key, the rest of its primary key, sorts. */
export function partWhere(sql: SqlStorage, table: string, column: string, value: number, key: readonly string[]): Part {
  const behind = `(${key.join(", ")}) > (${key.map(() => "?").join(", ")})`;
  return {
    table,
    key,
    rows: (after, limit) =>
      sql
        .exec(
          `SELECT * FROM ${table} WHERE ${column} = ? ${after === null ? "" : `AND ${behind}`}
           ORDER BY ${key.join(", ")} LIMIT ?`,
          value,
          ...(after ?? []),
          limit,
        )
        .toArray(),
  };
}

/** The pages that have come. */
export class SlotPages {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What has come of another move is of no use. */
  keep(move: number, index: number, page: Uint8Array): void {
    this.#sql.exec("DELETE FROM slot_page WHERE move <> ?", move).toArray();
    const bytes = page.slice().buffer as ArrayBuffer;
    this.#sql.exec("INSERT OR REPLACE INTO slot_page (n, move, bytes) VALUES (?, ?, ?)", index, move, bytes);
  }

  /** All rows of a move that has not been adopted yet, by table; null: it has. `adopted` must follow in the same event. Throws if
   *  not all pages are here. */
  take(move: number, count: number): ArrivedRows | null {
    const adopted = firstRow(this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = ?", ADOPTED));
    if ((adopted?.value ?? 0) >= move) return null;
    const tables = new Map<string, Row[]>();
    const pages = this.#sql
      .exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM slot_page WHERE move = ? AND n < ? ORDER BY n", move, count)
      .toArray();
    if (pages.length !== count) throw new Error(`${pages.length} of ${count} pages have come`);
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

/** What is stored of one slot. */
export interface SlotWeight {
  readonly slot: number;
  readonly bytes: number;
  readonly rows: number;
}

/** Which slots are copied together: in the order in which they are given, while they are within the bounds. One that is beyond
 *  them by itself is passed over. */
export function fitting(
  weights: Iterable<SlotWeight>,
  { count, bytes: bytesMax, rows: rowsMax }: { count: number; bytes: number; rows: number },
): number[] {
  const chosen: number[] = [];
  let [bytes, rows] = [0, 0];
  for (const weight of weights) {
    if (weight.bytes > bytesMax || weight.rows > rowsMax) continue;
    bytes += weight.bytes;
    rows += weight.rows;
    if (chosen.length >= count || bytes > bytesMax || rows > rowsMax) break;
    chosen.push(weight.slot);
  }
  return chosen.sort((a, b) => a - b);
}
