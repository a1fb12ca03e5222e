// The session store as the shard uses it. What is queued for a session that lasts goes to SQLite at once, and so does what
// a session has of a share, since its group owns that. A session that ends with its connection ends with the object's
// memory too, unless the object sleeps: its queue stays in memory, within a bound, and is written only when it has not
// grown for a while, so that the object can sleep.

import { limits } from "../../broker/limits.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { Message } from "../../broker/session/message.ts";
import type { NumberRange, Recipient, Removed, SessionStore, StoredEntry } from "../../broker/session/session-store.ts";
import type { OutboundState } from "../../broker/session/stored-queue.ts";
import type { SqlSessionStore } from "./sql-session-store.ts";

/** To which part of the bound what is kept is brought down, when it is met. */
const RELIEVED = 0.75;
/** So many times the bound may be kept within an event. */
const WITHIN_EVENT = 2;

export interface WriteBehindPorts {
  sql: SqlSessionStore;
  /** Whether a session outlives its connection. */
  lasting(session: number): boolean;
  /** The memory has grown: `flush` must be called when it has not for a while. */
  onKept(): void;
}

export class WriteBehindStore implements SessionStore {
  readonly #ports: WriteBehindPorts;
  /** In the order of their numbers, by session. */
  readonly #kept = new Map<number, StoredEntry[]>();
  #bytes = 0;

  constructor(ports: WriteBehindPorts) {
    this.#ports = ports;
  }

  /** Messages that wait for all sessions. */
  get queued(): number {
    let kept = 0;
    for (const entries of this.#kept.values()) kept += entries.length;
    return kept + this.#ports.sql.queued;
  }

  append(message: Message, recipients: readonly Recipient[]): void {
    const { sql, onKept } = this.#ports;
    const toStore = recipients.filter((recipient) => this.#lasts(recipient));
    if (toStore.length > 0) sql.append(message, toStore);
    if (toStore.length === recipients.length) return;
    // A copy: the message is a view of the whole batch in which it came.
    const own = new Message(readTrustedPublish(message.publish.bytes.slice()), message.publisher, message.expiresAt);
    own.storedAs = message.storedAs;
    for (const recipient of recipients) if (!this.#lasts(recipient)) this.#keep(own, recipient);
    // Full queues are shortened at the end of the event: until then it may be more.
    if (this.#bytes > WITHIN_EVENT * limits.keptQueueBytes) this.#relieve();
    onKept();
  }

  read(session: number, after: number, limit: number): StoredEntry[] {
    const stored = this.#ports.sql.read(session, after, limit);
    const kept = this.#kept.get(session);
    if (kept === undefined) return stored;
    const from = placeOf(kept, after + 1);
    const next = kept.slice(from, from + limit);
    if (stored.length === 0) return next;
    return [...stored, ...next].sort((a, b) => a.n - b.n).slice(0, limit);
  }

  readShared(session: number): StoredEntry[] {
    return this.#ports.sql.readShared(session);
  }

  remove(session: number, n: number, surely = false): void {
    const kept = this.#kept.get(session);
    const place = kept === undefined ? 0 : placeOf(kept, n);
    if (kept?.[place]?.n === n) this.#drop(session, kept, place, 1);
    else this.#ports.sql.remove(session, n, surely);
  }

  removeFirst(session: number, numbers: NumberRange, count: number, bytes: number, most: number): Removed {
    const { sql } = this.#ports;
    const kept = this.#kept.get(session);
    if (kept === undefined) return sql.removeFirst(session, numbers, count, bytes, most);
    const { after, before } = numbers;
    const from = placeOf(kept, after + 1);
    const [stored] = sql.read(session, after, 1);
    if (stored !== undefined && stored.n < before) {
      const first = kept[from]?.n ?? before;
      if (first < stored.n) {
        this.#write(session, kept);
        return sql.removeFirst(session, numbers, count, bytes, most);
      }
      // What is stored comes before all that is kept: it goes, and what is kept costs no row on its way out.
      return sql.removeFirst(session, { after, before: Math.min(before, first) }, count, bytes, most);
    }
    const removed = { entries: 0, bytes: 0, qos0: 0 };
    for (const { n, message, qos } of kept.slice(from, from + most)) {
      if (n >= before || (removed.entries >= count && removed.bytes >= bytes)) break;
      removed.entries += 1;
      removed.bytes += message.byteLength;
      if (qos === 0) removed.qos0 += 1;
    }
    this.#drop(session, kept, from, removed.entries);
    return removed;
  }

  renumber(session: number, from: number, to: number): void {
    const kept = this.#kept.get(session);
    const place = kept === undefined ? 0 : placeOf(kept, from);
    const entry = kept?.[place];
    if (kept === undefined || entry?.n !== from) {
      this.#ports.sql.renumber(session, from, to);
      return;
    }
    kept.splice(place, 1);
    kept.splice(placeOf(kept, to), 0, { ...entry, n: to });
  }

  /** Forgets all that is kept and stored for a session. */
  clear(session: number): void {
    const kept = this.#kept.get(session);
    if (kept !== undefined) this.#drop(session, kept, 0, kept.length);
    this.#ports.sql.clear(session);
  }

  /** What there is of a session that was sent up to `sentUpTo`. */
  state(session: number, sentUpTo: number): OutboundState {
    const kept = this.#kept.get(session);
    if (kept !== undefined) {
      this.#write(session, kept);
      this.commit();
    }
    return this.#ports.sql.state(session, sentUpTo);
  }

  /** See SqlSessionStore. */
  sentUpToAtMost(session: number, inflightMax: number): number {
    return this.#ports.sql.sentUpToAtMost(session, inflightMax);
  }

  /** At the end of an event. See SqlSessionStore. */
  settle(): void {
    if (this.#bytes > limits.keptQueueBytes) this.#relieve();
    this.#ports.sql.settle();
  }

  commit(): void {
    this.#ports.sql.commit();
  }

  /** See SqlSessionStore. */
  largest(count: number): number[] {
    return this.#ports.sql.largest(count);
  }

  /** See SqlSessionStore. */
  reclaim(): void {
    this.#ports.sql.reclaim();
  }

  /** Writes all that is kept. */
  flush(): void {
    for (const [session, kept] of Array.from(this.#kept)) this.#write(session, kept);
    this.commit();
  }

  /** Writes so much of what is kept that there is room again. Not all: a queue that is in SQLite costs rows with each message
   *  as long as it is full, and all that many of them cost would keep everybody waiting. */
  #relieve(): void {
    for (const [session, kept] of Array.from(this.#kept)) {
      if (this.#bytes <= limits.keptQueueBytes * RELIEVED) return;
      this.#write(session, kept);
    }
  }

  #lasts({ session, share }: Recipient): boolean {
    return share !== "" || this.#ports.lasting(session);
  }

  #keep(message: Message, { session, n, qos, retain, identifiers, share }: Recipient): void {
    const kept = this.#kept.get(session) ?? [];
    this.#kept.set(session, kept);
    kept.splice(placeOf(kept, n), 0, { n, qos, retain, identifiers, share, message });
    this.#bytes += sizeOf(message);
  }

  #drop(session: number, kept: StoredEntry[], from: number, count: number): void {
    for (const { message } of kept.splice(from, count)) this.#bytes -= sizeOf(message);
    if (kept.length === 0) this.#kept.delete(session);
  }

  #write(session: number, kept: StoredEntry[]): void {
    for (const { message, n, qos, retain, identifiers, share } of kept) {
      this.#ports.sql.append(message, [{ session, n, qos, retain, identifiers, share }]);
    }
    this.#drop(session, kept, 0, kept.length);
  }
}

/** What an entry costs in memory, about. */
function sizeOf(message: Message): number {
  return message.byteLength + 200;
}

/** Where number `n` stands, or would stand. */
function placeOf(entries: readonly StoredEntry[], n: number): number {
  let [low, high] = [0, entries.length];
  // Mostly it is behind all others.
  if (high > 0 && (entries[high - 1]?.n ?? 0) < n) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.n ?? 0) < n) low = middle + 1;
    else high = middle;
  }
  return low;
}
