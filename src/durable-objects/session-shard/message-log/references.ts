// How many entries each message of the log has, so that messages go with the last of them: those of 64 rows in one value,
// read when it is asked for, written when the log's tail is laid down.
//
//   version; then rows: place among the 64, bytes of its messages, how many have entries, and of each its place as a
//   difference to the one before, entries, bytes

import { ByteReader, ByteWriter } from "./bytes.ts";
import { placeInRow, rowOf } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";

const VERSION = 1;
const CHUNK_ROWS = 64;
/** Chunks in memory that could be read again. */
const CHUNKS_MAX = 32;

export interface ReferenceTable {
  references(chunk: number): Uint8Array | null;
  /** Null: there are none. */
  putReferences(chunk: number, bytes: Uint8Array<ArrayBuffer> | null): void;
}

interface Row {
  /** Entries and bytes of messages by place; those without entries are none. */
  readonly messages: Map<number, { entries: number; readonly bytes: number }>;
  /** Bytes of those that have entries, and of all that stand in the row. */
  live: number;
  stored: number;
}

interface Chunk {
  readonly rows: Map<number, Row>;
  changed: boolean;
}

export class References {
  readonly #table: ReferenceTable;
  readonly #sparseBytes: number;
  readonly #chunks = new Map<number, Chunk>();
  /** Rows whose last entry went. */
  readonly #dead = new Set<number>();
  /** Rows of which little is needed. */
  readonly #sparse = new Set<number>();

  constructor(table: ReferenceTable, bounds: LogBounds) {
    this.#table = table;
    this.#sparseBytes = bounds.sparseBytes;
  }

  /** Whether a message has entries. */
  has(message: number): boolean {
    const row = rowOf(message);
    return this.#chunk(row).rows.get(row)?.messages.has(placeInRow(message)) ?? false;
  }

  /** Whether a row has a message that has entries. */
  alive(row: number): boolean {
    return this.#chunk(row).rows.has(row);
  }

  /** A message of so many bytes has got entries. */
  add(message: number, entries: number, bytes: number): void {
    const number = rowOf(message);
    const chunk = this.#chunk(number);
    chunk.changed = true;
    const row = chunk.rows.get(number) ?? { messages: new Map(), live: 0, stored: 0 };
    chunk.rows.set(number, row);
    const known = row.messages.get(placeInRow(message));
    if (known !== undefined) known.entries += entries;
    else {
      row.messages.set(placeInRow(message), { entries, bytes });
      row.live += bytes;
      row.stored += bytes;
      this.#dead.delete(number);
    }
  }

  /** An entry of a message is gone. */
  release(message: number): void {
    const number = rowOf(message);
    const chunk = this.#chunk(number);
    const row = chunk.rows.get(number);
    const known = row?.messages.get(placeInRow(message));
    if (row === undefined || known === undefined) return;
    chunk.changed = true;
    known.entries -= 1;
    if (known.entries > 0) return;
    row.messages.delete(placeInRow(message));
    row.live -= known.bytes;
    if (row.messages.size === 0) {
      chunk.rows.delete(number);
      this.#sparse.delete(number);
      this.#dead.add(number);
    } else if (this.#isSparse(row)) this.#sparse.add(number);
  }

  /** Rows without a message that has entries, since the last time. */
  takeDead(): number[] {
    const dead = Array.from(this.#dead);
    this.#dead.clear();
    return dead;
  }

  /** How many rows there are of which little is needed, as far as is known. */
  get sparse(): number {
    return this.#sparse.size;
  }

  /** Some rows of which little is needed: they must be written anew without the rest. */
  takeSparse(most: number): number[] {
    const rows = Array.from(this.#sparse).slice(0, most);
    for (const number of rows) {
      this.#sparse.delete(number);
      const chunk = this.#chunk(number);
      const row = chunk.rows.get(number);
      if (row === undefined) continue;
      row.stored = row.live;
      chunk.changed = true;
    }
    return rows;
  }

  /** Writes what has changed. */
  save(): void {
    for (const [number, chunk] of this.#chunks) {
      if (!chunk.changed) continue;
      this.#table.putReferences(number, chunk.rows.size === 0 ? null : encode(number, chunk));
      chunk.changed = false;
    }
    this.#forgetSome();
  }

  /** There are no messages any more. */
  clear(): void {
    this.#chunks.clear();
    this.#dead.clear();
    this.#sparse.clear();
  }

  #chunk(row: number): Chunk {
    const number = Math.floor(row / CHUNK_ROWS);
    const known = this.#chunks.get(number);
    if (known !== undefined) return known;
    this.#forgetSome();
    const bytes = this.#table.references(number);
    const chunk: Chunk = { rows: bytes === null ? new Map() : decode(number, bytes), changed: false };
    for (const [at, each] of chunk.rows) if (this.#isSparse(each)) this.#sparse.add(at);
    this.#chunks.set(number, chunk);
    return chunk;
  }

  /** Whether less than a third of it is needed, unless it is small. */
  #isSparse({ live, stored }: Row): boolean {
    return stored >= this.#sparseBytes && 3 * live < stored;
  }

  #forgetSome(): void {
    let excess = this.#chunks.size - CHUNKS_MAX;
    for (const [number, { changed }] of this.#chunks) {
      if (excess <= 0) return;
      if (changed) continue;
      this.#chunks.delete(number);
      excess -= 1;
    }
  }
}

function encode(number: number, { rows }: Chunk): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  for (const [row, { messages, stored }] of Array.from(rows).sort(([a], [b]) => a - b)) {
    writer.number(row - number * CHUNK_ROWS);
    writer.number(stored);
    writer.number(messages.size);
    let before = 0;
    for (const [place, { entries, bytes }] of Array.from(messages).sort(([a], [b]) => a - b)) {
      writer.number(place - before);
      writer.number(entries);
      writer.number(bytes);
      before = place;
    }
  }
  return writer.copy();
}

function decode(number: number, bytes: Uint8Array): Map<number, Row> {
  const rows = new Map<number, Row>();
  const reader = new ByteReader(bytes);
  if (reader.byte() !== VERSION) throw new RangeError("references: an unknown version");
  while (reader.more) {
    const row = number * CHUNK_ROWS + reader.number();
    const stored = reader.number();
    const messages: Row["messages"] = new Map();
    let live = 0;
    let place = 0;
    for (let left = reader.number(); left > 0; left--) {
      place += reader.number();
      const entries = reader.number();
      const size = reader.number();
      messages.set(place, { entries, bytes: size });
      live += size;
    }
    rows.set(row, { messages, live, stored });
  }
  return rows;
}
