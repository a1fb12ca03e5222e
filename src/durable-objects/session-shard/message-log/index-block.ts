// A block of the index: what happened to the queues of some sessions, in the order of sessions.
//
//   version, u32 how many parts, of each f64 session and u32 where it ends, then the parts: how many entries came, and each
//   as a difference to the one before; how many went, and each likewise
//
// What is too much for a block stands in several parts, one behind the other.

import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Delta } from "./delta.ts";
import type { Entry, Removal } from "./entry.ts";
import { readEntry, readRemoval, writeEntry, writeRemoval } from "./entry.ts";

const VERSION = 1;
const HEAD_BYTES = 5;
const PART_HEAD_BYTES = 12;

const START: Removal = { n: 0, message: 0 };

/** What happened to a session's queue. */
export type Part = readonly [session: number, delta: Delta];

/** Writes blocks, one behind the other. */
export class BlockWriter {
  readonly #write: (first: number, bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #bytesMax: number;
  #parts = new ByteWriter();
  #sessions: number[] = [];
  #ends: number[] = [];

  /** `write` gets each block and its first session; from `bytesMax` on another one is begun. */
  constructor(bytesMax: number, write: (first: number, bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#bytesMax = bytesMax;
    this.#write = write;
  }

  /** Sessions must come in order. */
  add(session: number, delta: Delta): void {
    const { added, removed } = delta;
    const from = this.#parts.length;
    writeDelta(this.#parts, delta);
    if (this.#parts.length - from > this.#bytesMax && added.length + removed.length > 1) {
      this.#parts.truncate(from);
      const [came, went] = [added.length >> 1, removed.length >> 1];
      this.add(session, { added: added.slice(0, came), removed: removed.slice(0, went) });
      this.add(session, { added: added.slice(came), removed: removed.slice(went) });
      return;
    }
    this.#sessions.push(session);
    this.#ends.push(this.#parts.length);
    if (this.#parts.length >= this.#bytesMax) this.finish();
  }

  /** Writes the last block. */
  finish(): void {
    const [first] = this.#sessions;
    if (first === undefined) return;
    const count = this.#sessions.length;
    const parts = this.#parts.copy();
    const bytes = new Uint8Array(HEAD_BYTES + count * PART_HEAD_BYTES + parts.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, VERSION);
    view.setUint32(1, count);
    for (let i = 0; i < count; i++) {
      view.setFloat64(HEAD_BYTES + i * PART_HEAD_BYTES, this.#sessions[i] ?? 0);
      view.setUint32(HEAD_BYTES + i * PART_HEAD_BYTES + 8, this.#ends[i] ?? 0);
    }
    bytes.set(parts, HEAD_BYTES + count * PART_HEAD_BYTES);
    this.#parts = new ByteWriter();
    this.#sessions = [];
    this.#ends = [];
    this.#write(first, bytes);
  }
}

export class Block {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #count: number;

  /** Throws a RangeError for another version. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#view.getUint8(0) !== VERSION) throw new RangeError("the index: an unknown version");
    this.#count = this.#view.getUint32(1);
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** What it has of a session. */
  find(session: number): Delta[] {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#session(middle) < session) low = middle + 1;
      else high = middle;
    }
    const found: Delta[] = [];
    for (; low < this.#count && this.#session(low) === session; low++) found.push(this.#part(low));
    return found;
  }

  *parts(): Generator<Part> {
    for (let i = 0; i < this.#count; i++) yield [this.#session(i), this.#part(i)];
  }

  #session(i: number): number {
    return this.#view.getFloat64(HEAD_BYTES + i * PART_HEAD_BYTES);
  }

  #part(i: number): Delta {
    const parts = HEAD_BYTES + this.#count * PART_HEAD_BYTES;
    const end = (at: number) => this.#view.getUint32(HEAD_BYTES + at * PART_HEAD_BYTES + 8);
    return readDelta(new ByteReader(this.#bytes, parts + (i === 0 ? 0 : end(i - 1)), parts + end(i)));
  }
}

function writeDelta(writer: ByteWriter, { added, removed }: Delta): void {
  writer.number(added.length);
  let before = START;
  for (const entry of added) {
    writeEntry(writer, entry, before);
    before = entry;
  }
  writer.number(removed.length);
  before = START;
  for (const removal of removed) {
    writeRemoval(writer, removal, before);
    before = removal;
  }
}

function readDelta(reader: ByteReader): Delta {
  const added: Entry[] = [];
  let before = START;
  for (let left = reader.number(); left > 0; left--) {
    const entry = readEntry(reader, before);
    added.push(entry);
    before = entry;
  }
  const removed: Removal[] = [];
  before = START;
  for (let left = reader.number(); left > 0; left--) {
    before = readRemoval(reader, before);
    removed.push(before);
  }
  return { added, removed };
}
