// The sessions' messages as a log. What one event does to the queues of all sessions becomes a row: its messages, who gets
// them, which entries are gone. So a message costs the same whatever the number of its recipients. Which entries a session
// has is known to the index; how many entries a message has, to the references. Both are in memory for the log's tail and
// are laid down when that is long enough, so that whoever wakes reads the tail and little else.

import type { Message } from "../../../broker/session/message.ts";
import type {
  NumberRange,
  Recipient,
  Removed,
  SessionStore,
  StoredEntry,
} from "../../../broker/session/session-store.ts";
import type { OutboundState } from "../../../broker/session/stored-queue.ts";
import type { Entry, Removal } from "./entry.ts";
import type { LogBounds } from "./log-bounds.ts";
import { logBounds } from "./log-bounds.ts";
import { LogTail } from "./log-tail.ts";
import type { LogTables } from "./log-tables.ts";
import { MessageReader } from "./message-reader.ts";
import { numberAtMost, queueState } from "./queue-state.ts";

/** Removed entries that may wait to be written, of all sessions and of one. */
const REMOVED_MAX = 256;
export const REMOVED_OF_SESSION_MAX = 64;

export class MessageLog implements SessionStore {
  readonly #tables: LogTables;
  readonly #bounds: LogBounds;
  readonly #tail: LogTail;
  readonly #reader: MessageReader;
  readonly #onRemoved: () => void;
  /** Entries that are gone and not written as such, by session. */
  #removals = new Map<number, Removal[]>();
  #removed = 0;
  /** They must be written in this event. */
  #surely = false;

  /** `onRemoved`: something was removed, and `commit` must be called within a moment. */
  constructor(tables: LogTables, onRemoved: () => void, bounds: LogBounds = logBounds) {
    this.#tables = tables;
    this.#bounds = bounds;
    this.#reader = new MessageReader((row) => tables.messages(row));
    this.#tail = new LogTail(tables, this.#reader, bounds);
    this.#onRemoved = onRemoved;
  }

  /** Entries of all sessions. */
  get entries(): number {
    return this.#tail.entries;
  }

  append(message: Message, recipients: readonly Recipient[]): void {
    this.#tail.append(message, recipients);
    if (this.#tail.waitingBytes >= this.#bounds.waitingBytes) this.commit(); // One event is not to fill the memory.
  }

  commit(): void {
    if (!this.#tail.waiting && this.#removals.size === 0) return;
    const removals = this.#removals;
    this.#removals = new Map();
    this.#removed = 0;
    this.#surely = false;
    this.#whole(() => this.#tail.write(removals));
  }

  /** At the end of each event: writes what must be written before anything is sent. */
  settle(): void {
    if (this.#tail.waiting || this.#surely) this.commit();
  }

  read(session: number, after: number, limit: number): StoredEntry[] {
    if (this.#tail.waiting) this.commit(); // Messages are read from rows.
    return this.#stored(this.#tail.index.lists.read(session, after, limit));
  }

  readShared(session: number): StoredEntry[] {
    if (this.#tail.waiting) this.commit();
    return this.#stored(this.#tail.index.lists.all(session).filter(({ share }) => share !== ""));
  }

  remove(session: number, n: number, surely = false): void {
    const entry = this.#tail.index.take(session, n);
    if (entry !== null) this.#forget(session, [entry], surely);
  }

  removeFirst(session: number, { after, before }: NumberRange, count: number, bytes: number, most: number): Removed {
    const { index } = this.#tail;
    const removed = { entries: 0, bytes: 0, qos0: 0 };
    const gone: Entry[] = [];
    while (removed.entries < most && (removed.entries < count || removed.bytes < bytes)) {
      const entry = index.lists.first(session, after, count - removed.entries);
      if (entry === null || entry.n >= before) break;
      index.remove(session, entry);
      removed.entries += 1;
      removed.bytes += entry.bytes;
      if (entry.qos === 0) removed.qos0 += 1;
      gone.push(entry);
    }
    this.#forget(session, gone, true);
    return removed;
  }

  renumber(session: number, from: number, to: number): void {
    const entry = this.#tail.index.take(session, from);
    if (entry === null) return;
    this.#tail.join(entry, { ...entry, session, n: to });
    this.#forget(session, [entry], true);
  }

  /** Forgets all that is stored for a session. */
  clear(session: number): void {
    const entries = [...this.#tail.index.lists.all(session)];
    for (const entry of entries) this.#tail.index.remove(session, entry);
    this.#forget(session, entries, true);
  }

  /** What is stored for a session that was sent up to `sentUpTo`. */
  state(session: number, sentUpTo: number): OutboundState {
    return queueState(this.#tail.index.lists.all(session), sentUpTo);
  }

  /** Number of the last entry that may have been sent, where nobody knows any more: no more than `inflightMax` are
   *  unacknowledged at a time, behind some that were acknowledged and are not removed yet. */
  sentUpToAtMost(session: number, inflightMax: number): number {
    return numberAtMost(this.#tail.index.lists.all(session), inflightMax + REMOVED_OF_SESSION_MAX);
  }

  /** Bytes of the messages of each session's queue. Reads the whole index. */
  *sizes(): Generator<readonly [session: number, bytes: number]> {
    for (const [session, { added }] of this.#tail.index.all()) {
      yield [session, added.reduce((sum, { bytes }) => sum + bytes, 0)];
    }
  }

  /** Gives back the room of what was removed, as far as that can be done now. */
  reclaim(): void {
    this.commit();
    this.#whole(() => this.#tail.layDown(true));
  }

  #forget(session: number, entries: readonly Entry[], surely: boolean): void {
    if (entries.length === 0) return;
    this.#whole(() => this.#tail.released(entries));
    const removals = this.#removals.get(session) ?? [];
    if (removals.length === 0) this.#removals.set(session, removals);
    for (const { n, message } of entries) removals.push({ n, message });
    this.#surely ||= surely;
    if (this.#removed === 0) this.#onRemoved();
    this.#removed += entries.length;
    if (this.#removed >= this.#bounds.waitingRemovals) this.commit();
    if (surely) return; // It is written at the end of this event.
    if (this.#removed >= REMOVED_MAX || removals.length >= REMOVED_OF_SESSION_MAX) this.commit();
  }

  /** Does what must be done to its end, or not be remembered at all. */
  #whole(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#tables.failed(error);
    }
  }

  #stored(entries: readonly Entry[]): StoredEntry[] {
    return entries.flatMap(({ n, qos, retain, identifiers, share, message: number }) => {
      const message = this.#reader.get(number);
      return message === null ? [] : [{ n, qos, retain, identifiers, share, message }];
    });
  }
}
