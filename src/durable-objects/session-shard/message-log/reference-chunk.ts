// A chunk of references: those of 64 rows of the log, in one value.
//
//   version; then rows: place among the 64, bytes of it, how many messages have entries, and of each its place as a
//   difference to the one before, entries, bytes

import { ByteReader, ByteWriter } from "./bytes.ts";

const VERSION = 1;
const CHUNK_ROWS = 64;
/** What an entry takes in its row, at least. */
export const ENTRY_BYTES = 10;

export interface Row {
  /** Entries and bytes of messages by place; those without entries are none. */
  readonly messages: Map<number, { entries: number; readonly bytes: number }>;
  /** Bytes of those that have entries, with these, and of all that stands in the row: entries go with the first that is
   *  given back, since the index knows them. */
  live: number;
  stored: number;
}

export interface Chunk {
  readonly rows: Map<number, Row>;
  /** Messages that it had at first. */
  weight: number;
  changed: boolean;
}

export function chunkOf(row: number): number {
  return Math.floor(row / CHUNK_ROWS);
}

/** Of its messages alone. */
export function bytesOf({ messages }: Row): number {
  let sum = 0;
  for (const { bytes } of messages.values()) sum += bytes;
  return sum;
}

export function encode(number: number, { rows }: Chunk): Uint8Array<ArrayBuffer> {
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

export function decode(number: number, bytes: Uint8Array): Map<number, Row> {
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
      live += size + entries * ENTRY_BYTES;
    }
    rows.set(row, { messages, live, stored });
  }
  return rows;
}
