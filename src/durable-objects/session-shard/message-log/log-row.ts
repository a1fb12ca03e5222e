// A row of the log: what one event did to the queues, in two values, so that what is not asked for is not read.
//
//   entries    version; then records: 1, the message's row as a difference to this one, its place, its bytes, how many
//              recipients, and of each f64 session, number, place
//                                     2, f64 session, how many entries are gone, and of each its number and message, as
//              differences to the one before
//   messages   empty, or version; then messages: place in the row, f64 publisher, expiry, length, packet

import type { Message } from "../../../broker/session/message.ts";
import type { Recipient } from "../../../broker/session/session-store.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Entry, Removal } from "./entry.ts";
import { compareEntries, messageNumber, placeInRow, readPlace, readRemoval, rowOf } from "./entry.ts";
import { writePlace, writeRemoval } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";

const VERSION = 1;
const ADDED = 1;
const REMOVED = 2;

const START: Removal = { n: 0, message: 0 };

export interface RowVisitor {
  /** A message has another entry. */
  added(session: number, entry: Entry): void;
  removed(session: number, removal: Removal): void;
}

/** A message as it stands in its row. */
export interface MessageBytes {
  readonly publisher: number;
  readonly expiresAt: number;
  /** Where its packet is. */
  readonly from: number;
  readonly to: number;
}

/** The next row of the log. */
export class RowWriter {
  readonly row: number;
  readonly #bounds: LogBounds;
  readonly #entries = new ByteWriter();
  #messages: ByteWriter | null = null;
  #count = 0;
  /** Whether it tells of its own messages alone, so that it may go with them. */
  selfContained = true;

  constructor(row: number, bounds: LogBounds) {
    this.row = row;
    this.#bounds = bounds;
    this.#entries.byte(VERSION);
  }

  get full(): boolean {
    return this.#count >= this.#bounds.rowMessages || this.#entries.length >= this.#bounds.rowEntryBytes;
  }

  /** Whether a message of so many bytes has its place here. */
  hasRoom(bytes: number): boolean {
    const written = this.#messages?.length ?? 0;
    return !this.full && (written === 0 || written + bytes <= this.#bounds.rowMessageBytes);
  }

  get byteLength(): number {
    return this.#entries.length + (this.#messages?.length ?? 0);
  }

  /** Writes a message. Returns its number. */
  message({ publish, publisher, expiresAt }: Message): number {
    this.#messages ??= newMessages();
    writeMessage(this.#messages, this.#count, publisher, expiresAt, publish.bytes);
    return messageNumber(this.row, this.#count++);
  }

  /** Writes entries of a message of this row or one before. */
  added(message: number, bytes: number, recipients: readonly Recipient[]): void {
    const row = rowOf(message);
    if (row !== this.row) this.selfContained = false;
    const writer = this.#entries;
    writer.byte(ADDED);
    writer.difference(row - this.row);
    writer.number(placeInRow(message));
    writer.number(bytes);
    writer.number(recipients.length);
    for (const recipient of recipients) {
      writer.float(recipient.session);
      writer.number(recipient.n);
      writePlace(writer, recipient);
    }
  }

  /** Writes that entries of a session are gone. */
  removed(session: number, removals: readonly Removal[]): void {
    if (removals.some(({ message }) => rowOf(message) !== this.row)) this.selfContained = false;
    const writer = this.#entries;
    writer.byte(REMOVED);
    writer.float(session);
    writer.number(removals.length);
    let before = START;
    for (const removal of [...removals].sort(compareEntries)) {
      writeRemoval(writer, removal, before);
      before = removal;
    }
  }

  bytes(): { entries: Uint8Array<ArrayBuffer>; messages: Uint8Array<ArrayBuffer> } {
    return { entries: this.#entries.copy(), messages: this.#messages?.copy() ?? new Uint8Array() };
  }
}

/** Tells what a row did to the queues. */
export function visitRow(row: number, entries: Uint8Array, visitor: RowVisitor): void {
  if (entries.length === 0) return;
  const reader = new ByteReader(entries);
  checkVersion(reader);
  while (reader.more) {
    switch (reader.byte()) {
      case ADDED: {
        const message = messageNumber(row + reader.difference(), reader.number());
        const bytes = reader.number();
        for (let left = reader.number(); left > 0; left--) {
          const session = reader.float();
          const n = reader.number();
          const { qos, retain, identifiers, share } = readPlace(reader);
          visitor.added(session, { n, message, bytes, qos, retain, identifiers, share });
        }
        break;
      }
      case REMOVED: {
        const session = reader.float();
        let before = START;
        for (let left = reader.number(); left > 0; left--) {
          before = readRemoval(reader, before);
          visitor.removed(session, before);
        }
        break;
      }
      default:
        throw new RangeError("the log: an unknown record");
    }
  }
}

/** The messages of a row, by their places. */
export function readMessages(messages: Uint8Array): Map<number, MessageBytes> {
  const found = new Map<number, MessageBytes>();
  if (messages.length === 0) return found;
  const reader = new ByteReader(messages);
  checkVersion(reader);
  while (reader.more) {
    const place = reader.number();
    const publisher = reader.float();
    const expiresAt = reader.number();
    const from = reader.sized();
    found.set(place, { publisher, expiresAt, from, to: reader.at });
  }
  return found;
}

/** The same messages without those that are not to stay. */
export function withoutDead(messages: Uint8Array, stays: (place: number) => boolean): Uint8Array<ArrayBuffer> {
  const writer = newMessages();
  for (const [place, { publisher, expiresAt, from, to }] of readMessages(messages)) {
    if (stays(place)) writeMessage(writer, place, publisher, expiresAt, messages.subarray(from, to));
  }
  return writer.copy();
}

function newMessages(): ByteWriter {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  return writer;
}

function writeMessage(writer: ByteWriter, place: number, publisher: number, expiresAt: number, packet: Uint8Array) {
  writer.number(place);
  writer.float(publisher);
  writer.number(expiresAt);
  writer.sized(packet);
}

function checkVersion(reader: ByteReader): void {
  if (reader.byte() !== VERSION) throw new RangeError("the log: an unknown version");
}
