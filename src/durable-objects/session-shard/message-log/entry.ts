// An entry of a session's queue, as the log keeps it in memory and in bytes. Its message is named by the log's row in which
// it stands and its place there. Number and message together name an entry for ever: none of both comes again.

import type { QoS } from "../../../broker/mqtt/packets.ts";
import type { Place } from "../../../broker/session/session-store.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

/** An entry without its session. */
export interface Entry extends Place, Removal {
  /** Of the message. */
  readonly bytes: number;
}

/** What names an entry of a session that is gone. */
export interface Removal {
  readonly n: number;
  readonly message: number;
}

/** More messages than a row has. */
const ROW_MESSAGES = 2 ** 16;

const QOS = 0x03;
const RETAIN = 0x04;
const IDENTIFIERS = 0x08;
const SHARE = 0x10;

const NONE: readonly number[] = [];

export function messageNumber(row: number, place: number): number {
  return row * ROW_MESSAGES + place;
}

export function rowOf(message: number): number {
  return Math.floor(message / ROW_MESSAGES);
}

export function placeInRow(message: number): number {
  return message % ROW_MESSAGES;
}

/** The order of entries: of their numbers. */
export function compareEntries(a: Removal, b: Removal): number {
  return a.n - b.n || a.message - b.message;
}

/** `before`: what was written before it, whose number is not higher. */
export function writeRemoval(writer: ByteWriter, { n, message }: Removal, before: Removal): void {
  writer.number(n - before.n);
  writer.difference(rowOf(message) - rowOf(before.message));
  writer.number(placeInRow(message));
}

export function readRemoval(reader: ByteReader, before: Removal): Removal {
  const n = before.n + reader.number();
  const row = rowOf(before.message) + reader.difference();
  return { n, message: messageNumber(row, reader.number()) };
}

export function writeEntry(writer: ByteWriter, entry: Entry, before: Removal): void {
  writeRemoval(writer, entry, before);
  writer.number(entry.bytes);
  writePlace(writer, entry);
}

export function readEntry(reader: ByteReader, before: Removal): Entry {
  const n = before.n + reader.number();
  const row = rowOf(before.message) + reader.difference();
  const message = messageNumber(row, reader.number());
  const bytes = reader.number();
  const { qos, retain, identifiers, share } = readPlace(reader);
  return { n, message, bytes, qos, retain, identifiers, share };
}

export function writePlace(writer: ByteWriter, { qos, retain, identifiers, share }: Place): void {
  const some = identifiers.length > 0;
  writer.byte(qos | (retain ? RETAIN : 0) | (some ? IDENTIFIERS : 0) | (share === "" ? 0 : SHARE));
  if (some) {
    writer.number(identifiers.length);
    for (const each of identifiers) writer.number(each);
  }
  if (share !== "") writer.text(share);
}

export function readPlace(reader: ByteReader): Place {
  const flags = reader.byte();
  const count = (flags & IDENTIFIERS) === 0 ? 0 : reader.number();
  const identifiers = count === 0 ? NONE : Array.from({ length: count }, () => reader.number());
  const share = (flags & SHARE) === 0 ? "" : reader.text();
  return { qos: (flags & QOS) as QoS, retain: (flags & RETAIN) !== 0, identifiers, share };
}
