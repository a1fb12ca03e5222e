// The tables of the message log in memory, with a count of the rows that are written and read.

import type { Bytes, LogTables, Manifest } from "../../../src/durable-objects/session-shard/message-log/log-tables.ts";

export class MemoryTables implements LogTables {
  written = 0;
  read = 0;
  readonly log = new Map<number, { entries: Bytes; messages: Bytes }>();
  readonly blocks = new Map<number, Bytes>();
  readonly chunks = new Map<number, Bytes>();
  #manifest: string | null = null;

  manifest(): Manifest | null {
    this.read += 1;
    return this.#manifest === null ? null : (JSON.parse(this.#manifest) as Manifest);
  }

  putManifest(manifest: Manifest): void {
    this.written += 1;
    this.#manifest = JSON.stringify(manifest);
  }

  tail(after: number): { row: number; entries: Uint8Array }[] {
    const rows = Array.from(this.log, ([row, { entries }]) => ({ row, entries })).filter(({ row }) => row > after);
    this.read += rows.length;
    return rows.sort((a, b) => a.row - b.row);
  }

  insertRow(row: number, entries: Bytes, messages: Bytes): void {
    if (this.log.has(row)) throw new Error(`row ${row} is there already`);
    this.written += 1;
    this.log.set(row, { entries: entries.slice(), messages: messages.slice() });
  }

  updateRow(row: number, entries: Bytes, messages: Bytes): void {
    if (!this.log.has(row)) throw new Error(`row ${row} is not there`);
    this.written += 1;
    this.log.set(row, { entries: entries.slice(), messages: messages.slice() });
  }

  deleteRows(rows: readonly number[]): void {
    for (const row of rows) if (this.log.delete(row)) this.written += 1;
  }

  messages(row: number): Uint8Array | null {
    this.read += 1;
    return this.log.get(row)?.messages ?? null;
  }

  block(number: number): Uint8Array {
    this.read += 1;
    const bytes = this.blocks.get(number);
    if (bytes === undefined) throw new Error(`block ${number} is missing`);
    return bytes;
  }

  insertBlock(number: number, bytes: Bytes): void {
    if (this.blocks.has(number)) throw new Error(`block ${number} is there already`);
    this.written += 1;
    this.blocks.set(number, bytes.slice());
  }

  deleteBlocks(blocks: readonly number[]): void {
    for (const block of blocks) if (this.blocks.delete(block)) this.written += 1;
  }

  references(chunk: number): Uint8Array | null {
    this.read += 1;
    return this.chunks.get(chunk) ?? null;
  }

  putReferences(chunk: number, bytes: Bytes | null): void {
    if (bytes !== null) this.chunks.set(chunk, bytes.slice());
    if (bytes !== null || this.chunks.delete(chunk)) this.written += 1;
  }

  clear(): void {
    this.written += this.log.size + this.chunks.size;
    this.log.clear();
    this.chunks.clear();
  }

  failed(error: unknown): never {
    throw error;
  }
}
