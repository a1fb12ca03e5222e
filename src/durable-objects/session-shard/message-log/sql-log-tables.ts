// The tables of the message log in SQLite.

import { firstRow } from "../../../platform/first-row.ts";
import type { Bytes, LogTables, Manifest, TailRow } from "./log-tables.ts";

/** The manifest's name in the table of an object's values. */
const MANIFEST = "message_log";

export class SqlLogTables implements LogTables {
  readonly #sql: SqlStorage;
  readonly #failed: (error: unknown) => never;
  #ended = false;

  /** `failed`: something could not be written; it ends the object, whose memory is ahead of what is stored. */
  constructor(sql: SqlStorage, failed: (error: unknown) => never) {
    this.#sql = sql;
    this.#failed = failed;
  }

  manifest(): Manifest | null {
    const row = firstRow(this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", MANIFEST));
    return row === undefined ? null : (JSON.parse(row.value) as Manifest);
  }

  putManifest(manifest: Manifest): void {
    this.#write(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      MANIFEST,
      JSON.stringify(manifest),
    );
  }

  tail(after: number): TailRow[] {
    const rows = this.#sql.exec<{ id: number; entries: ArrayBuffer }>(
      "SELECT id, entries FROM message_log WHERE id > ? ORDER BY id",
      after,
    );
    return Array.from(rows, ({ id, entries }) => ({ row: id, entries: new Uint8Array(entries) }));
  }

  insertRow(row: number, entries: Bytes, messages: Bytes): void {
    this.#write(
      "INSERT INTO message_log (id, entries, messages) VALUES (?, ?, ?)",
      row,
      entries.buffer,
      messages.buffer,
    );
  }

  updateRow(row: number, entries: Bytes, messages: Bytes): void {
    const values = [entries.buffer, messages.buffer, row];
    this.#write("UPDATE message_log SET entries = ?, messages = ? WHERE id = ?", ...values);
  }

  deleteRows(rows: readonly number[]): void {
    this.#delete("message_log", rows);
  }

  messages(row: number): Uint8Array | null {
    return this.#bytes("SELECT messages AS bytes FROM message_log WHERE id = ?", row);
  }

  block(number: number): Uint8Array {
    const bytes = this.#bytes("SELECT bytes FROM message_index WHERE id = ?", number);
    if (bytes === null) throw new RangeError("the index: a block is missing");
    return bytes;
  }

  insertBlock(number: number, bytes: Bytes): void {
    this.#write("INSERT INTO message_index (id, bytes) VALUES (?, ?)", number, bytes.buffer);
  }

  deleteBlocks(blocks: readonly number[]): void {
    this.#delete("message_index", blocks);
  }

  references(chunk: number): Uint8Array | null {
    return this.#bytes("SELECT bytes FROM message_references WHERE id = ?", chunk);
  }

  putReferences(chunk: number, bytes: Bytes | null): void {
    if (bytes === null) this.#write("DELETE FROM message_references WHERE id = ?", chunk);
    else this.#write("INSERT OR REPLACE INTO message_references (id, bytes) VALUES (?, ?)", chunk, bytes.buffer);
  }

  clear(): void {
    this.#write("DELETE FROM message_log");
    this.#write("DELETE FROM message_references");
  }

  failed(error: unknown): never {
    if (this.#ended) throw error;
    this.#ended = true;
    return this.#failed(error);
  }

  #bytes(query: string, id: number): Uint8Array | null {
    const row = firstRow(this.#sql.exec<{ bytes: ArrayBuffer }>(query, id));
    return row === undefined ? null : new Uint8Array(row.bytes);
  }

  #delete(table: "message_log" | "message_index", ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#write(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids));
  }

  #write(query: string, ...values: SqlStorageValue[]): void {
    try {
      this.#sql.exec(query, ...values).toArray();
    } catch (error) {
      this.failed(error);
    }
  }
}
