// What moves with slots, where it arrives: pages of rows, kept in table `slot_page` until all of them are there, and then
// adopted one after the other. How far that is is stored with what is adopted, so that each is once, whatever dies.

import { readRowPage } from "../contracts/row-page.ts";
import type { Row } from "../contracts/row-page.ts";
import { firstRow } from "./first-row.ts";

const ADOPTED = "adopted_move";
const ADOPTING = "adopting_move";
/** Pages of no use that are removed at a time. */
const FORGOTTEN = 32;

/** The table that an object's migrations must have. */
export const SLOT_PAGE_TABLE = `-- What has come of slots that move here, until all of it has.
   CREATE TABLE slot_page (n INTEGER PRIMARY KEY, move INTEGER NOT NULL, bytes BLOB NOT NULL);`;

/** Rows that have come, by table. */
export type ArrivedRows = ReadonlyMap<string, readonly Row[]>;

/** A page that is to be adopted: its place among all pages of its move. */
export interface ArrivedPage {
  readonly move: number;
  readonly index: number;
  readonly isLast: boolean;
  readonly rows: ArrivedRows;
}

export class ArrivingPages {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps a page, in the place of what another move has left there. One that comes late is of no use any more. */
  keep(move: number, index: number, page: Uint8Array): void {
    if (this.#adopted >= move || this.#adopting?.move === move) return;
    const bytes = page.slice().buffer as ArrayBuffer;
    this.#sql.exec("INSERT OR REPLACE INTO slot_page (n, move, bytes) VALUES (?, ?, ?)", index, move, bytes);
  }

  /** The page of a move that is to be adopted next, of `count`; null: all are. `adopted` must follow in the same event. Throws
   *  if not all pages are here. */
  next(move: number, count: number): ArrivedPage | null {
    if (this.#adopted >= move) return null;
    const adopting = this.#adopting;
    const index = adopting?.move === move ? adopting.next : 0;
    if (index === 0) this.#mustHave(move, count);
    const page = firstRow(
      this.#sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM slot_page WHERE n = ? AND move = ?", index, move),
    );
    if (page === undefined) throw new Error(`page ${index} has not come`);
    return { move, index, isLast: index + 1 >= count, rows: rowsOf(new Uint8Array(page.bytes)) };
  }

  /** The rows of a page are the object's own now. */
  adopted({ move, index, isLast }: ArrivedPage): void {
    this.#sql.exec("DELETE FROM slot_page WHERE n = ?", index).toArray();
    if (isLast) {
      this.#set(ADOPTED, move);
      this.#sql.exec("DELETE FROM meta WHERE key = ?", ADOPTING).toArray();
    } else this.#set(ADOPTING, JSON.stringify({ move, next: index + 1 }));
  }

  /** Removes some of the pages of other moves than this one, which are of no use. True: there may be more. */
  forgetOthers(move: number): boolean {
    const removed = this.#sql.exec(
      "DELETE FROM slot_page WHERE n IN (SELECT n FROM slot_page WHERE move <> ? LIMIT ?) RETURNING n",
      move,
      FORGOTTEN,
    );
    return removed.toArray().length === FORGOTTEN;
  }

  /** Whether there are pages of other moves than this one. */
  hasOthers(move: number): boolean {
    return this.#sql.exec("SELECT 1 FROM slot_page WHERE move <> ? LIMIT 1", move).toArray().length > 0;
  }

  #mustHave(move: number, count: number): void {
    const { n } = this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM slot_page WHERE move = ? AND n < ?", move, count)
      .one();
    if (n !== count) throw new Error(`${n} of ${count} pages have come`);
  }

  /** The last move of which all is adopted. */
  get #adopted(): number {
    return Number(this.#get(ADOPTED) ?? 0);
  }

  /** The move that is being adopted, and its next page. */
  get #adopting(): { readonly move: number; readonly next: number } | null {
    const value = this.#get(ADOPTING);
    return value === null ? null : (JSON.parse(String(value)) as { move: number; next: number });
  }

  #get(key: string): SqlStorageValue {
    const rows = this.#sql.exec<{ value: SqlStorageValue }>("SELECT value FROM meta WHERE key = ?", key);
    return firstRow(rows)?.value ?? null;
  }

  #set(key: string, value: number | string): void {
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value).toArray();
  }
}

function rowsOf(page: Uint8Array): ArrivedRows {
  const tables = new Map<string, Row[]>();
  for (const { table, rows } of readRowPage(page)) {
    const known = tables.get(table);
    if (known === undefined) tables.set(table, [...rows]);
    else for (const row of rows) known.push(row);
  }
  return tables;
}
