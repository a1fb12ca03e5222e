// How many entries each message of the log has, so that messages go with the last of them. Those of the log's tail are in
// memory. Those that were laid down are in chunks of 64 rows, some of them in memory; what changes in others is noted, and
// told to them one by one when the tail is laid down.

import { placeInRow, rowOf } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";
import type { Chunk, Row } from "./reference-chunk.ts";
import { bytesOf, chunkOf, decode, encode, ENTRY_BYTES } from "./reference-chunk.ts";

/** Part of a row that is needed, below which the rest is given back; and when there is no room. */
const NEEDED = 1 / 3;
const NEEDED_WHEN_FULL = 2 / 3;
/** So many times more rows are written anew then. */
const MORE_WHEN_FULL = 4;

export interface ReferenceTable {
  references(chunk: number): Uint8Array | null;
  /** Null: there are none. */
  putReferences(chunk: number, bytes: Uint8Array<ArrayBuffer> | null): void;
}

/** What is done to rows while they are laid down. */
export interface Layer {
  /** Rows of the tail up to this one are laid down. */
  readonly upTo: number;
  /** There is no room. */
  readonly full: boolean;
  /** Bytes of a row besides its messages. */
  bytesOf(row: number): number;
  /** Writes a row, of which little is needed, anew without the rest. False: it is not there. */
  compact(row: number, stays: (place: number) => boolean): boolean;
}

export class References {
  readonly #table: ReferenceTable;
  readonly #bounds: LogBounds;
  /** The last row that was laid down. */
  #upTo: number;
  /** Rows behind it. */
  #tail = new Map<number, Row>();
  /** Of rows up to it. */
  readonly #chunks = new Map<number, Chunk>();
  #weight = 0;
  /** Entries that messages of other chunks have more, or fewer. */
  readonly #notes = new Map<number, Map<number, number>>();
  /** How many messages that is. */
  noted = 0;
  /** Rows whose last entry went. */
  readonly #dead = new Set<number>();
  /** Rows of which little is needed. */
  readonly #sparse = new Set<number>();

  constructor(table: ReferenceTable, bounds: LogBounds, upTo: number) {
    this.#table = table;
    this.#bounds = bounds;
    this.#upTo = upTo;
  }

  /** Whether a message has entries. */
  has(message: number): boolean {
    const number = rowOf(message);
    const rows = number > this.#upTo ? this.#tail : this.#chunk(chunkOf(number)).rows;
    return rows.get(number)?.messages.has(placeInRow(message)) ?? false;
  }

  /** Whether a row of the tail has a message that has entries. */
  alive(row: number): boolean {
    return this.#tail.has(row);
  }

  /** A message of so many bytes has got entries: it is of the tail, or had some. */
  add(message: number, entries: number, bytes: number): void {
    const number = rowOf(message);
    if (number <= this.#upTo) {
      this.#changeLaidDown(message, entries, false);
      return;
    }
    const row = this.#tail.get(number) ?? { messages: new Map(), live: 0, stored: 0 };
    this.#tail.set(number, row);
    row.live += entries * ENTRY_BYTES;
    const known = row.messages.get(placeInRow(message));
    if (known !== undefined) known.entries += entries;
    else {
      row.messages.set(placeInRow(message), { entries, bytes });
      row.live += bytes;
      row.stored += bytes;
      this.#dead.delete(number);
    }
  }

  /** An entry of a message is gone. `mayRead`: to tell at once whether its row is needed, as far as memory allows. */
  release(message: number, mayRead: boolean): void {
    if (rowOf(message) > this.#upTo) this.#change(this.#tail, message, -1);
    else this.#changeLaidDown(message, -1, mayRead);
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

  /** Lays the tail down and writes what has changed, chunk by chunk. */
  save(layer: Layer): void {
    const tail = this.#tail;
    this.#tail = new Map();
    this.#upTo = layer.upTo;
    let left = this.#bounds.sparseRows * (layer.full ? MORE_WHEN_FULL : 1);
    const needed = layer.full ? NEEDED_WHEN_FULL : NEEDED;
    for (const number of this.#toSave(tail.keys())) {
      const chunk = this.#chunks.get(number) ?? this.#read(number);
      for (const [at, row] of tail) {
        if (chunkOf(at) !== number) continue;
        row.stored += layer.bytesOf(at);
        chunk.rows.set(at, row);
        chunk.changed = true;
      }
      for (const [at, row] of chunk.rows) {
        if (left === 0) break;
        if (!this.#isSparse(row, needed)) continue;
        this.#sparse.delete(at);
        if (!layer.compact(at, (place) => row.messages.has(place))) continue;
        row.stored = bytesOf(row);
        chunk.changed = true;
        left -= 1;
      }
      if (chunk.changed) this.#table.putReferences(number, chunk.rows.size === 0 ? null : encode(number, chunk));
      chunk.changed = false;
      this.#keep(number, chunk);
    }
  }

  /** There are no messages any more, up to this row. */
  clear(upTo: number): void {
    this.#upTo = upTo;
    this.#tail.clear();
    this.#chunks.clear();
    this.#weight = 0;
    this.#notes.clear();
    this.noted = 0;
    this.#dead.clear();
    this.#sparse.clear();
  }

  /** Those with rows of the tail, those that have changed, and those of some rows of which little is needed. */
  #toSave(tail: Iterable<number>): Set<number> {
    const numbers = new Set(this.#notes.keys());
    for (const [number, { changed }] of this.#chunks) if (changed) numbers.add(number);
    for (const row of Array.from(this.#sparse).slice(0, this.#bounds.sparseRows)) numbers.add(chunkOf(row));
    for (const row of tail) numbers.add(chunkOf(row));
    return numbers;
  }

  #changeLaidDown(message: number, by: number, mayRead: boolean): void {
    const number = chunkOf(rowOf(message));
    const reads = mayRead && this.#weight < this.#bounds.referenceMessages;
    const chunk = reads ? this.#chunk(number) : this.#chunks.get(number);
    if (chunk !== undefined) {
      chunk.changed = true;
      this.#change(chunk.rows, message, by);
      return;
    }
    const notes = this.#notes.get(number) ?? new Map<number, number>();
    if (notes.size === 0) this.#notes.set(number, notes);
    const known = notes.get(message);
    if (known === undefined) this.noted += 1;
    notes.set(message, (known ?? 0) + by);
  }

  /** A message has so many entries more, or fewer. */
  #change(rows: Map<number, Row>, message: number, by: number): void {
    const number = rowOf(message);
    const row = rows.get(number);
    const known = row?.messages.get(placeInRow(message));
    if (row === undefined || known === undefined) return;
    known.entries += by;
    row.live += by * ENTRY_BYTES;
    if (known.entries <= 0) {
      row.messages.delete(placeInRow(message));
      row.live -= known.bytes;
    }
    if (row.messages.size === 0) {
      rows.delete(number);
      this.#sparse.delete(number);
      this.#dead.add(number);
    } else if (this.#isSparse(row)) this.#sparse.add(number);
  }

  #chunk(number: number): Chunk {
    const known = this.#chunks.get(number);
    if (known !== undefined) return known;
    const chunk = this.#read(number);
    this.#keep(number, chunk);
    return chunk;
  }

  /** A chunk with what was noted. */
  #read(number: number): Chunk {
    const bytes = this.#table.references(number);
    const rows = bytes === null ? new Map<number, Row>() : decode(number, bytes);
    const notes = this.#notes.get(number);
    const chunk: Chunk = { rows, weight: 0, changed: notes !== undefined };
    for (const [at, each] of rows) if (this.#isSparse(each)) this.#sparse.add(at);
    for (const [message, by] of notes ?? []) this.#change(rows, message, by);
    this.noted -= notes?.size ?? 0;
    this.#notes.delete(number);
    return chunk;
  }

  /** Whether less than this part of it is needed, unless it is small. */
  #isSparse({ live, stored }: Row, needed = NEEDED): boolean {
    return stored >= this.#bounds.sparseBytes && live < needed * stored;
  }

  /** A chunk stays in memory; others, that could be read again, go as far as they must. */
  #keep(number: number, chunk: Chunk): void {
    this.#weight -= this.#chunks.get(number)?.weight ?? 0;
    chunk.weight = 1;
    for (const { messages } of chunk.rows.values()) chunk.weight += messages.size;
    this.#weight += chunk.weight;
    this.#chunks.set(number, chunk);
    for (const [oldest, { weight, changed }] of this.#chunks) {
      if (this.#weight <= this.#bounds.referenceMessages) return;
      if (changed || oldest === number) continue;
      this.#chunks.delete(oldest);
      this.#weight -= weight;
    }
  }
}
