// What the store holds of a session's messages, counted: first those that were sent and are to be sent again over this
// connection, then those that never were. Numbers up to `sentUpTo` were sent at least once, up to `cursor` over this
// connection. Where topics have priorities, what never was sent is counted by class (queue-order.ts).

import type { QoS } from "../mqtt/packets.ts";
import type { Inflight } from "./delivery.ts";
import { recipientOf } from "./delivery.ts";
import type { Message } from "./message.ts";
import type { QueueOrder } from "./queue-order.ts";
import { classOf, classOfNumber, leastClass, numbersOf, placeOf, UNRANKED } from "./queue-order.ts";
import type { SessionStore, StoredEntry } from "./session-store.ts";

/** Stored entries read at a time, while all that is queued is not more than so many bytes. */
const READ_AHEAD = 64;
const READ_AHEAD_BYTES = 1_024 * 1_024;

/** What the store holds of a session when it is loaded. */
export interface OutboundState {
  /** Number of the last message that was sent at least once. */
  sentUpTo: number;
  /** Highest number in the session's order that is in the store. */
  lastNumber: number;
  /** Entries up to `sentUpTo`. */
  sent: number;
  /** Entries behind it, their bytes, and how many of them are QoS 0. */
  queued: number;
  queuedBytes: number;
  queuedQos0: number;
  /** Entries of shares. */
  shared: number;
  /** Entries that wait in the order of priorities, by class, and the last arrival among them. */
  classes: readonly (readonly [rank: number, entries: number])[];
  lastArrival: number;
}

export interface QueueBounds {
  readonly queueLengthMax: number;
  readonly queueBytesMax: number;
}

export class StoredQueue {
  readonly #session: number;
  readonly #store: SessionStore;
  #cursor = 0;
  #sentUpTo: number;
  /** Entries to be sent again over this connection. */
  #redeliver: number;
  #queued: number;
  #queuedBytes: number;
  #queuedQos0: number;
  /** Entries that were read and are the next to be sent. */
  #ahead: StoredEntry[] = [];
  /** Entries that wait in the order of priorities, by class. */
  readonly #classes: Map<number, number>;
  #arrivals: number;

  constructor(session: number, store: SessionStore, state: OutboundState) {
    this.#session = session;
    this.#store = store;
    this.#sentUpTo = state.sentUpTo;
    this.#redeliver = state.sent;
    this.#queued = state.queued;
    this.#queuedBytes = state.queuedBytes;
    this.#queuedQos0 = state.queuedQos0;
    this.#classes = new Map(state.classes);
    this.#arrivals = state.lastArrival;
  }

  /** Whether a message waits in its topic's place, and not in the order of arrival: until all that do so are sent. */
  ranks({ priorities }: QueueOrder): boolean {
    return priorities !== null || this.#classes.size > 0;
  }

  /** The place of a topic's next message. */
  place(order: QueueOrder, topic: string): number {
    if (this.#classes.size === 0) this.#arrivals = 0;
    this.#arrivals += 1;
    return placeOf(classOf(order, topic), this.#arrivals);
  }

  /** Number of the last message sent over this connection. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Number of the last message that was sent at least once. */
  get sentUpTo(): number {
    return this.#sentUpTo;
  }

  /** Entries that were never sent, their bytes, and how many of them are QoS 0. */
  get queued(): number {
    return this.#queued;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get queuedQos0(): number {
    return this.#queuedQos0;
  }

  /** Entries that are to be sent over this connection. */
  get behind(): number {
    return this.#redeliver + this.#queued;
  }

  /** The connection outlived the memory: all up to number `cursor` was sent over it. Returns those entries, which are not
   *  acknowledged. */
  resume(cursor: number): StoredEntry[] {
    this.#cursor = Math.min(cursor, this.#sentUpTo);
    const sent = this.#store
      .read(this.#session, 0, this.#redeliver)
      .filter(({ n, qos }) => n <= this.#cursor && qos > 0);
    this.#redeliver -= sent.length;
    return sent;
  }

  /** The connection is gone. */
  rewind(): void {
    this.#cursor = 0;
    this.#ahead = [];
  }

  /** Stores a message that was never sent, in its place. */
  append(inflight: Inflight, message: Message): void {
    this.#store.append(message, [recipientOf(inflight)]);
    this.joined(inflight.n, inflight.qos, message.byteLength);
  }

  /** The store got, or is about to get, a message that was never sent. */
  joined(n: number, qos: QoS, bytes: number): void {
    this.#queued += 1;
    this.#queuedBytes += bytes;
    if (qos === 0) this.#queuedQos0 += 1;
    const rank = classOfNumber(n);
    if (rank === UNRANKED) return;
    this.#classes.set(rank, (this.#classes.get(rank) ?? 0) + 1);
    this.#ahead = []; // It may go before those.
  }

  /** A message was sent and not acknowledged: it is in the store and is to be sent again. */
  sendAgain(): void {
    this.#redeliver += 1;
  }

  /** The first entry behind the cursor. Reads some more than there is `room` for, where they are small. */
  next(room: number): StoredEntry | null {
    if (this.#ahead.length === 0) {
      const small = this.#queuedBytes < READ_AHEAD_BYTES && this.#classes.size === 0;
      this.#ahead = this.#store.read(this.#session, this.#cursor, small ? Math.max(room, READ_AHEAD) : room);
    }
    const [entry] = this.#ahead;
    if (entry !== undefined) return entry;
    this.#redeliver = 0;
    this.#queued = 0;
    this.#queuedBytes = 0;
    this.#queuedQos0 = 0;
    this.#classes.clear();
    return null;
  }

  /** The entry that `next` gave was sent as number `n` of the session's order, or is not to be. */
  passed(entry: StoredEntry, n: number): void {
    this.#ahead.shift();
    this.#cursor = n;
    if (n <= this.#sentUpTo) {
      this.#redeliver -= 1;
      return;
    }
    this.#sentUpTo = n;
    this.#left(entry);
  }

  /** A message was sent that is not in the store. */
  passedBy(n: number): void {
    this.#cursor = n;
    this.#sentUpTo = n;
  }

  /** Takes out what a group may give to another member: all of its shares but what was begun at QoS 2. */
  takeShared(): StoredEntry[] {
    const taken = this.#store.readShared(this.#session).filter(({ n, qos }) => qos < 2 || n > this.#sentUpTo); // [MQTT-4.8.2-4]
    for (const entry of taken) {
      this.#store.remove(this.#session, entry.n);
      if (entry.n <= this.#sentUpTo) this.#redeliver -= 1;
      else this.#left(entry);
    }
    return taken;
  }

  /** Forgets the oldest that were never sent, as many as are beyond the bounds. Returns how many those were. */
  trim({ queueLengthMax, queueBytesMax }: QueueBounds): number {
    const entries = this.#queued - queueLengthMax;
    const bytes = this.#queuedBytes - queueBytesMax;
    return entries <= 0 && bytes <= 0 ? 0 : this.#removeOldest(entries, bytes);
  }

  /** Forgets the older half of those that were never sent. Returns how many those were. */
  halve(): number {
    return this.#queued > 1 ? this.#removeOldest(Math.floor(this.#queued / 2), 0) : 0;
  }

  /** An entry that was never sent is not among those any more. */
  #left({ n, qos, message }: StoredEntry): void {
    this.#queued -= 1;
    this.#queuedBytes -= message.byteLength;
    if (qos === 0) this.#queuedQos0 -= 1;
    this.#leftClass(classOfNumber(n), 1);
  }

  #leftClass(rank: number, entries: number): void {
    const left = (this.#classes.get(rank) ?? 0) - entries;
    if (left > 0) this.#classes.set(rank, left);
    else this.#classes.delete(rank);
  }

  /** The oldest of the least class, then of the next: at least so many and so many bytes, but never the last of all. */
  #removeOldest(entries: number, bytes: number): number {
    this.#ahead = [];
    const before = this.#queued;
    for (let [count, size] = [entries, bytes]; (count > 0 || size > 0) && this.#queued > 1;) {
      const rank = this.#leastClass;
      const range = numbersOf(rank, this.#sentUpTo);
      const removed = this.#store.removeFirst(this.#session, range, count, size, this.#queued - 1);
      if (removed.entries === 0) {
        if (!this.#classes.delete(rank)) break; // There are none, whatever was counted.
        continue;
      }
      this.#queued -= removed.entries;
      this.#queuedBytes -= removed.bytes;
      this.#queuedQos0 -= removed.qos0;
      this.#leftClass(rank, removed.entries);
      count -= removed.entries;
      size -= removed.bytes;
    }
    return before - this.#queued;
  }

  get #leastClass(): number {
    let ranked = 0;
    for (const entries of this.#classes.values()) ranked += entries;
    const classes = Array.from(this.#classes.keys());
    return leastClass(ranked < this.#queued ? [UNRANKED, ...classes] : classes);
  }
}
