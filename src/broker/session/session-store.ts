// The store of sessions' messages: a synchronous port, since an object's storage is synchronous and holds back its
// replies until the writes are durable. A message is stored once, whatever the number of its recipients.

import type { QoS } from "../mqtt/packets.ts";
import type { Message } from "./message.ts";

/** A place in one session's order of messages. */
export interface Recipient extends Place {
  readonly session: number;
  readonly n: number;
}

/** How a session is to see a message. */
export interface Place {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The share of which the session got it; "": of none. */
  readonly share: string;
}

export interface StoredEntry extends Place {
  readonly n: number;
  readonly message: Message;
}

export interface SessionStore {
  /** Stores a message for these sessions. It is durable when `commit` has been called, which must follow in this event. */
  append(message: Message, recipients: readonly Recipient[]): void;
  /** Writes what was appended in this event, all of it together, and what was removed. */
  commit(): void;
  /** Up to `limit` entries of a session behind number `after`, in order. */
  read(session: number, after: number, limit: number): StoredEntry[];
  /** A session's entries of shares, in order. */
  readShared(session: number): StoredEntry[];
  /** Forgets an entry, and its message with the last of them. `surely`: before anything of this event is sent. */
  remove(session: number, n: number, surely?: boolean): void;
  /** Forgets the first of a session's entries with such numbers: at least `count`, and of `bytes` in all, if there are as
   *  many; at most `most`. */
  removeFirst(session: number, numbers: NumberRange, count: number, bytes: number, most: number): Removed;
  /** Gives an entry another number. */
  renumber(session: number, from: number, to: number): void;
}

/** Numbers behind `after` and before `before`. */
export interface NumberRange {
  readonly after: number;
  readonly before: number;
}

/** How many entries were removed, the bytes of their messages, and how many of them were QoS 0. */
export interface Removed {
  readonly entries: number;
  readonly bytes: number;
  readonly qos0: number;
}
