// What moves with slots, where it leaves: parts of tables, read in the order of their keys and written as pages, or
// removed step by step. Nothing is remembered between two pages but where the next one begins, so any may be written again.

import type { Row, RowValue, TableRows } from "../contracts/row-page.ts";
import { rowBytes, writeRowPage } from "../contracts/row-page.ts";
import type { SlotPage } from "../contracts/rpc.ts";

/** Rows read at a time: more while they are small, since any may have a megabyte. */
const ROWS_MIN = 8;
const ROWS_MAX = 512;
const ROWS_BYTES = 256 * 1_024;
/** Bytes that are looked at for a page, of rows that do not move too. */
const LOOKED_MAX = 4 * 1_024 * 1_024;

/** How much one event reads or removes: a row more at most. */
export interface StepBounds {
  readonly bytes: number;
  readonly rows: number;
}

/** Rows that were read, and the key of the last one that was looked at; null: there are no more. */
export interface RowsRead {
  readonly rows: readonly Row[];
  readonly next: readonly RowValue[] | null;
  /** Bytes of rows that were looked at and do not move. */
  readonly passed?: number;
}

/** Rows of one table that move. What is written must not change before all pages are. */
export interface Part {
  readonly table: string;
  /** Columns by which the rows are sorted, and which tell them apart. */
  readonly key: readonly string[];
  /** Up to `limit` rows behind the one with the key `after` (null: from the first on), in the order of their keys. */
  read(after: readonly RowValue[] | null, limit: number): RowsRead;
}

/** The page that begins at `from`: "" or the `next` of the one before it. */
export function writeSlotPage(parts: readonly Part[], from: string, most: StepBounds): SlotPage {
  const [first, behind] = readPlace(from);
  const tables: TableRows[] = [];
  let [bytes, count, passed] = [0, 0, 0];
  for (let place = first; place < parts.length; place++) {
    const part = parts[place];
    if (part === undefined) break;
    const rows: Row[] = [];
    tables.push({ table: part.table, rows });
    let after = place === first ? behind : null;
    for (let limit = ROWS_MIN; ;) {
      if (passed >= LOOKED_MAX) return { bytes: writeRowPage(tables), next: writePlace(place, after) };
      const read = part.read(after, limit);
      let size = 0;
      for (const row of read.rows) {
        if (bytes >= most.bytes || count >= most.rows) {
          return { bytes: writeRowPage(tables), next: writePlace(place, after) };
        }
        rows.push(row);
        after = part.key.map((column) => row[column] ?? null);
        size += rowBytes(row);
        bytes += rowBytes(row);
        count += 1;
      }
      passed += read.passed ?? 0;
      after = read.next;
      if (after === null) break;
      limit = size < ROWS_BYTES ? Math.min(2 * limit, ROWS_MAX) : Math.max(limit >> 1, ROWS_MIN);
    }
  }
  return { bytes: writeRowPage(tables), next: null };
}

/** A place among parts: in which, and behind which key. */
export function writePlace(part: number, after: readonly RowValue[] | null): string {
  return JSON.stringify([part, after]);
}

export function readPlace(place: string): [part: number, after: readonly RowValue[] | null] {
  return place === "" ? [0, null] : (JSON.parse(place) as [number, RowValue[] | null]);
}

/** Rows that are in memory, with the name of the column that tells them apart and by which they are sorted. */
export function partOf(table: string, key: string, rows: readonly Row[]): Part {
  return {
    table,
    key: [key],
    read: (after, limit) => {
      const from = after === null ? 0 : rows.findIndex((row) => row[key] === after[0]) + 1;
      const some = rows.slice(from, from + limit);
      return { rows: some, next: from + limit < rows.length ? [some.at(-1)?.[key] ?? null] : null };
    },
  };
}

/** The rows of a table with a value in a column, which the key, the rest of its primary key, sorts. `packets`: a row may be
 *  large, for it has one. */
export class TablePart implements Part {
  readonly table: string;
  readonly key: readonly string[];
  readonly value: number;
  readonly #sql: SqlStorage;
  readonly #column: string;
  readonly #packets: boolean;

  constructor(
    sql: SqlStorage,
    table: string,
    {
      column,
      value,
      key,
      packets = false,
    }: { column: string; value: number; key: readonly string[]; packets?: boolean },
  ) {
    this.#sql = sql;
    this.table = table;
    this.key = key;
    this.value = value;
    this.#column = column;
    this.#packets = packets;
  }

  read(after: readonly RowValue[] | null, limit: number): RowsRead {
    const count = this.#packets ? this.#fitting(after, limit, ROWS_BYTES) : limit;
    const rows = this.#select<Row & Record<string, SqlStorageValue>>("*", after, count);
    return { rows, next: rows.length < count ? null : this.#keyOf(rows.at(-1)) };
  }

  /** Removes the first rows, as many as one event may. */
  removeSome(most: StepBounds): { rows: number; more: boolean } {
    const count = this.#packets ? this.#fitting(null, most.rows, most.bytes) : most.rows;
    const keys = this.#select(this.key.join(", "), null, count);
    const last = this.#keyOf(keys.at(-1));
    if (last === null) return { rows: 0, more: false };
    const upTo = `(${this.key.join(", ")}) <= (${this.key.map(() => "?").join(", ")})`;
    this.#sql.exec(`DELETE FROM ${this.table} WHERE ${this.#column} = ? AND ${upTo}`, this.value, ...last).toArray();
    return { rows: keys.length, more: keys.length === count };
  }

  /** How many rows have so many bytes together: one at least. */
  #fitting(after: readonly RowValue[] | null, limit: number, bytesMax: number): number {
    let bytes = 0;
    const sizes = this.#select<{ bytes: number }>("length(packet) AS bytes", after, limit);
    const beyond = sizes.findIndex((row) => (bytes += row.bytes) > bytesMax);
    return beyond < 0 ? limit : Math.max(1, beyond);
  }

  #select<T extends Record<string, SqlStorageValue>>(
    columns: string,
    after: readonly RowValue[] | null,
    limit: number,
  ): T[] {
    const behind = `(${this.key.join(", ")}) > (${this.key.map(() => "?").join(", ")})`;
    return this.#sql
      .exec<T>(
        `SELECT ${columns} FROM ${this.table} WHERE ${this.#column} = ? ${after === null ? "" : `AND ${behind}`}
         ORDER BY ${this.key.join(", ")} LIMIT ?`,
        this.value,
        ...(after ?? []),
        limit,
      )
      .toArray();
  }

  #keyOf(row: Row | undefined): RowValue[] | null {
    return row === undefined ? null : this.key.map((column) => row[column] ?? null);
  }
}
