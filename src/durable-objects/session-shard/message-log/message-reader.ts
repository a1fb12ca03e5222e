// The messages of the log, read from their rows. Sessions that take their queues ask for the same rows one after the other,
// so the last ones stay in memory.

import { BoundedCache } from "../../../broker/bounded-cache.ts";
import { readTrustedPublish } from "../../../broker/mqtt/publish.ts";
import { Message } from "../../../broker/session/message.ts";
import { placeInRow, rowOf } from "./entry.ts";
import type { MessageBytes } from "./log-row.ts";
import { readMessages } from "./log-row.ts";

const CACHE_BYTES = 4 * 1_024 * 1_024;
/** What a row in memory costs besides its bytes, and one of its messages. */
const ROW_COST = 500;
/** A message that is a small part of a row larger than this gets bytes of its own: as a view it would keep the row. */
const VIEWED_BYTES = 16 * 1_024;

interface Row {
  readonly bytes: Uint8Array;
  /** Null: nobody has asked yet. */
  places: Map<number, MessageBytes> | null;
  readonly messages: Map<number, Message>;
}

export class MessageReader {
  readonly #read: (row: number) => Uint8Array | null;
  readonly #rows = new BoundedCache<number, Row>(CACHE_BYTES, ({ bytes }) => ROW_COST + 2 * bytes.length);

  /** `read` gives the messages of a row; null: there is none. */
  constructor(read: (row: number) => Uint8Array | null) {
    this.#read = read;
  }

  /** A row was written, and may be asked for soon. */
  keep(row: number, bytes: Uint8Array): void {
    this.#rows.set(row, { bytes, places: null, messages: new Map() });
  }

  /** A row is gone, or other than it was. */
  forget(row: number): void {
    this.#rows.delete(row);
  }

  clear(): void {
    this.#rows.clear();
  }

  /** A message of the log; null: it is not there. */
  get(number: number): Message | null {
    const row = this.#row(rowOf(number));
    if (row === null) return null;
    const place = placeInRow(number);
    const known = row.messages.get(place);
    if (known !== undefined) return known;
    row.places ??= readMessages(row.bytes);
    const at = row.places.get(place);
    if (at === undefined) return null;
    const { from, to, publisher, expiresAt } = at;
    const own = row.bytes.length > VIEWED_BYTES && 4 * (to - from) < row.bytes.length;
    const packet = own ? row.bytes.slice(from, to) : row.bytes.subarray(from, to);
    const message = new Message(readTrustedPublish(packet), publisher, expiresAt);
    message.storedAs = number;
    row.messages.set(place, message);
    return message;
  }

  #row(number: number): Row | null {
    const known = this.#rows.get(number);
    if (known !== undefined) return known;
    const bytes = this.#read(number);
    if (bytes === null) return null;
    const row: Row = { bytes, places: null, messages: new Map() };
    this.#rows.set(number, row);
    return row;
  }
}
