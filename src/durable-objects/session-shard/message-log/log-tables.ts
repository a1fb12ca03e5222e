// What the message log asks of its tables.

import type { ReferenceTable } from "./references.ts";

/** Bytes in a buffer of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Piles cover all sessions, in order, from session 0 on. */
export interface Pile {
  /** The lowest session that it may have. */
  readonly first: number;
  /** The oldest first. */
  readonly runs: readonly Run[];
}

export interface Run {
  /** Entries that came and went in it. */
  readonly size: number;
  /** Each block's number and first session, in the order of sessions. */
  readonly blocks: readonly (readonly [block: number, first: number])[];
}

export interface BlockTable {
  block(number: number): Uint8Array;
  insertBlock(number: number, bytes: Uint8Array<ArrayBuffer>): void;
}

/** What was laid down of the log. */
export interface Manifest {
  readonly v: 1;
  /** The last row of the log that the index knows. */
  readonly upTo: number;
  /** Entries of all sessions then. */
  readonly entries: number;
  readonly piles: readonly Pile[];
  readonly nextBlock: number;
}

export interface TailRow {
  readonly row: number;
  readonly entries: Uint8Array;
}

/** Each method that writes makes one row, or one for each that is named. */
export interface LogTables extends ReferenceTable, BlockTable {
  /** Null: nothing was laid down. */
  manifest(): Manifest | null;
  putManifest(manifest: Manifest): void;
  /** Rows behind `after`, in order. */
  tail(after: number): TailRow[];
  insertRow(row: number, entries: Bytes, messages: Bytes): void;
  /** Writes a row anew. */
  updateRow(row: number, entries: Bytes, messages: Bytes): void;
  deleteRows(rows: readonly number[]): void;
  /** The messages of a row; null: it is gone. */
  messages(row: number): Uint8Array | null;
  deleteBlocks(blocks: readonly number[]): void;
  /** Deletes all rows and references. */
  clear(): void;
  /** What happened could not be written to its end: memory is ahead of what is stored. */
  failed(error: unknown): never;
}
