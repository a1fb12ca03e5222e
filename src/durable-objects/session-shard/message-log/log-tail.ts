// The end of the log: the rows of this event, which are being written, and those behind what was laid down. Whoever wakes
// reads the latter, so they are few. Rows go when nothing of them is needed: those of the tail at once, if they tell of
// their own messages alone, since their absence tells as much.

import type { Message } from "../../../broker/session/message.ts";
import type { Recipient } from "../../../broker/session/session-store.ts";
import type { Entry, Removal } from "./entry.ts";
import { rowOf } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";
import type { LogTables } from "./log-tables.ts";
import { RowWriter, visitRow, withoutDead } from "./log-row.ts";
import type { MessageReader } from "./message-reader.ts";
import { References } from "./references.ts";
import { SessionIndex } from "./session-index.ts";

interface Row {
  readonly selfContained: boolean;
  /** Of its entries. */
  readonly bytes: number;
}

export class LogTail {
  readonly index: SessionIndex;
  readonly #tables: LogTables;
  readonly #bounds: LogBounds;
  readonly #reader: MessageReader;
  readonly #references: References;
  /** The last row that was laid down. */
  #upTo: number;
  #nextRow: number;
  /** Rows behind that. */
  readonly #rows = new Map<number, Row>();
  #bytes = 0;
  /** Rows of this event. */
  #writers: RowWriter[] = [];
  /** The last row of an earlier event, which may grow. */
  #last: RowWriter | null = null;
  /** Entries of all sessions. */
  entries: number;

  constructor(tables: LogTables, reader: MessageReader, bounds: LogBounds) {
    this.#tables = tables;
    this.#bounds = bounds;
    this.#reader = reader;
    const manifest = tables.manifest();
    this.#upTo = manifest?.upTo ?? 0;
    this.entries = manifest?.entries ?? 0;
    this.index = new SessionIndex(tables, manifest?.piles ?? [], manifest?.nextBlock ?? 1, bounds);
    this.#references = new References(tables, bounds, this.#upTo);
    this.#nextRow = this.#upTo + 1;
    for (const { row, entries } of tables.tail(this.#upTo)) this.#replay(row, entries);
  }

  /** Whether something of this event is to be written. */
  get waiting(): boolean {
    return this.#writers.length > 0;
  }

  /** Bytes of that. */
  get waitingBytes(): number {
    return this.#writers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Adds a message for these sessions to the rows of this event. */
  append(message: Message, recipients: readonly Recipient[]): void {
    if (recipients.length === 0) return;
    const { byteLength: bytes } = message;
    if (message.storedAs === 0 || !this.#references.has(message.storedAs)) {
      message.storedAs = this.#writer(bytes).message(message);
    }
    const { recipients: max } = this.#bounds;
    for (let from = 0; from < recipients.length; from += max) {
      const some = recipients.slice(from, from + max);
      this.#writer(0).added(message.storedAs, bytes, some);
    }
    this.#references.add(message.storedAs, recipients.length, bytes);
    this.entries += recipients.length;
    for (const { session, n, qos, retain, identifiers, share } of recipients) {
      this.index.add(session, { n, message: message.storedAs, bytes, qos, retain, identifiers, share });
    }
  }

  /** Adds another entry of an entry's message. */
  join({ message, bytes }: Entry, recipient: Recipient): void {
    const { session, n, qos, retain, identifiers, share } = recipient;
    this.#writer(0).added(message, bytes, [recipient]);
    this.#references.add(message, 1, bytes);
    this.entries += 1;
    this.index.add(session, { n, message, bytes, qos, retain, identifiers, share });
  }

  /** The index has lost these entries. */
  released(entries: readonly Entry[]): void {
    for (const { message } of entries) this.#references.release(message, true);
    this.entries -= entries.length;
  }

  /** Writes the rows of this event, and which entries are gone. */
  write(removals: ReadonlyMap<number, readonly Removal[]>): void {
    const dead = this.#references.takeDead();
    if (this.entries === 0) {
      this.#clear();
      return;
    }
    const own = new Map(this.#writers.map((writer) => [writer.row, writer]));
    const going = new Set(dead.filter((row) => (own.get(row) ?? this.#rows.get(row))?.selfContained === true));
    this.#writers = this.#writers.filter(({ row }) => !going.has(row));
    if (this.#last !== null && going.has(this.#last.row)) this.#last = null;
    for (const [session, all] of removals) {
      const told = going.size === 0 ? all : all.filter(({ message }) => !going.has(rowOf(message)));
      if (told.length > 0) this.#writer(0).removed(session, told);
    }
    for (const writer of this.#writers) this.#write(writer);
    this.#last = this.#writers.at(-1) ?? this.#last;
    this.#writers = [];
    // Others of the tail go when it is laid down.
    this.#delete(dead.filter((row) => going.has(row) || row <= this.#upTo));
    const { tailRows, tailBytes, sparseRows, notedMessages } = this.#bounds;
    const { sparse, noted } = this.#references;
    const long = this.#rows.size >= tailRows || this.#bytes >= tailBytes;
    if (long || sparse >= sparseRows || noted >= notedMessages) this.layDown();
  }

  /** Lays the tail down: what it tells goes into the index and the references, and rows that tell nothing else go. `full`:
   *  there is no room. */
  layDown(full = false): void {
    const unneeded = this.index.layDown();
    const gone = Array.from(this.#rows.keys()).filter((row) => !this.#references.alive(row));
    this.#references.save({
      upTo: this.#nextRow - 1,
      full,
      bytesOf: (row) => this.#rows.get(row)?.bytes ?? 0,
      compact: (row, stays) => this.#compact(row, stays),
    });
    const some = this.#rows.size > 0;
    this.#beginAnew();
    if (some) this.#putManifest();
    this.#tables.deleteBlocks(unneeded);
    this.#delete([...gone, ...this.#references.takeDead()]);
  }

  /** All rows so far are laid down. */
  #beginAnew(): void {
    this.#upTo = this.#nextRow - 1;
    this.#rows.clear();
    this.#bytes = 0;
    this.#last = null;
  }

  #putManifest(): void {
    const { entries, index } = this;
    const { piles, nextBlock } = index;
    this.#tables.putManifest({ v: 1, upTo: this.#upTo, entries, piles, nextBlock });
  }

  /** Nobody needs anything of the log. */
  #clear(): void {
    const { laidDown } = this.index;
    const unneeded = this.index.clear();
    this.#references.clear(laidDown ? this.#nextRow - 1 : this.#upTo);
    this.#reader.clear();
    this.#writers = [];
    this.#last = null;
    if (!laidDown) {
      this.#delete(Array.from(this.#rows.keys()));
      return;
    }
    this.#beginAnew();
    this.#putManifest();
    this.#tables.deleteBlocks(unneeded);
    this.#tables.clear();
  }

  /** Writes a row of which little is needed anew. */
  #compact(row: number, stays: (place: number) => boolean): boolean {
    const messages = this.#tables.messages(row);
    if (messages === null) return false;
    this.#tables.updateRow(row, new Uint8Array(), withoutDead(messages, stays));
    this.#reader.forget(row);
    return true;
  }

  /** The row to which something is to be added, with a message of so many bytes if any. */
  #writer(bytes: number): RowWriter {
    const writing = this.#writers.at(-1);
    if (writing?.hasRoom(bytes) === true) return writing;
    const last = writing === undefined ? this.#last : null;
    const grows = last !== null && last.byteLength + bytes <= this.#bounds.grownBytes;
    const writer = grows ? last : new RowWriter(this.#nextRow++, this.#bounds);
    this.#writers.push(writer);
    return writer;
  }

  #write(writer: RowWriter): void {
    const { row, selfContained } = writer;
    const { entries, messages } = writer.bytes();
    if (this.#rows.has(row)) this.#tables.updateRow(row, entries, messages);
    else this.#tables.insertRow(row, entries, messages);
    this.#bytes += entries.length - (this.#rows.get(row)?.bytes ?? 0);
    this.#rows.set(row, { selfContained, bytes: entries.length });
    if (messages.length > 0) this.#reader.keep(row, messages);
  }

  #delete(rows: readonly number[]): void {
    if (rows.length === 0) return;
    this.#tables.deleteRows(rows);
    for (const row of rows) {
      this.#bytes -= this.#rows.get(row)?.bytes ?? 0;
      this.#rows.delete(row);
      this.#reader.forget(row);
    }
  }

  /** A row of the tail, read. What it tells of messages whose row is gone is void: all their entries went with it. */
  #replay(row: number, entries: Uint8Array): void {
    let selfContained = true;
    const known = (message: number) => {
      const of = rowOf(message);
      if (of !== row) selfContained = false;
      return of === row || of <= this.#upTo || this.#rows.has(of);
    };
    visitRow(row, entries, {
      added: (session, entry) => {
        if (!known(entry.message)) return;
        this.#references.add(entry.message, 1, entry.bytes);
        this.index.add(session, entry);
        this.entries += 1;
      },
      removed: (session, removal) => {
        if (!known(removal.message)) return;
        this.#references.release(removal.message, false);
        this.index.remove(session, removal);
        this.entries -= 1;
      },
    });
    this.#rows.set(row, { selfContained, bytes: entries.length });
    this.#nextRow = row + 1;
    this.#bytes += entries.length;
  }
}
