// The session store in memory, for tests of the broker without a runtime.

import { Message } from "../../../src/broker/session/message.ts";
import type { OutboundState } from "../../../src/broker/session/stored-queue.ts";
import { arrivalOf, classOfNumber, FIRST_PLACE, UNRANKED } from "../../../src/broker/session/queue-order.ts";
import type {
  NumberRange,
  Recipient,
  Removed,
  SessionStore,
  StoredEntry,
} from "../../../src/broker/session/session-store.ts";

export class MemoryStore implements SessionStore {
  readonly #entries = new Map<number, StoredEntry[]>();
  #messages = 0;
  /** Messages that were stored, each counted once. */
  get messages(): number {
    return this.#messages;
  }

  append(message: Message, recipients: readonly Recipient[]): void {
    if (message.storedAs === 0) message.storedAs = ++this.#messages;
    for (const { session, n, qos, retain, identifiers, share } of recipients) {
      // As a database gives it back: another object of the same content.
      const copy = new Message(message.publish, message.publisher, message.expiresAt);
      copy.storedAs = message.storedAs;
      const list = this.#entries.get(session) ?? [];
      list.push({ n, qos, retain, identifiers, share, message: copy });
      list.sort((a, b) => a.n - b.n);
      this.#entries.set(session, list);
    }
  }

  commit(): void {
    // Nothing is ever lost here.
  }

  read(session: number, after: number, limit: number): StoredEntry[] {
    return (this.#entries.get(session) ?? []).filter(({ n }) => n > after).slice(0, limit);
  }

  readShared(session: number): StoredEntry[] {
    return (this.#entries.get(session) ?? []).filter(({ share }) => share !== "");
  }

  remove(session: number, n: number): void {
    this.#entries.set(
      session,
      (this.#entries.get(session) ?? []).filter((entry) => entry.n !== n),
    );
  }

  removeFirst(session: number, { after, before }: NumberRange, count: number, bytes: number, most: number): Removed {
    const removed = { entries: 0, bytes: 0, qos0: 0 };
    for (const { n, qos, message } of this.read(session, after, most)) {
      if (n >= before || (removed.entries >= count && removed.bytes >= bytes)) break;
      removed.entries += 1;
      removed.bytes += message.byteLength;
      if (qos === 0) removed.qos0 += 1;
      this.remove(session, n);
    }
    return removed;
  }

  renumber(session: number, from: number, to: number): void {
    const list = (this.#entries.get(session) ?? []).map((entry) => (entry.n === from ? { ...entry, n: to } : entry));
    this.#entries.set(
      session,
      list.sort((a, b) => a.n - b.n),
    );
  }

  state(session: number, sentUpTo: number): OutboundState {
    const entries = this.read(session, 0, Number.MAX_SAFE_INTEGER);
    const queued = entries.filter(({ n }) => n > sentUpTo);
    const ranked = entries.filter(({ n }) => n >= FIRST_PLACE);
    const classes = new Map<number, number>();
    for (const { n } of ranked) classes.set(classOfNumber(n), (classes.get(classOfNumber(n)) ?? 0) + 1);
    return {
      sentUpTo,
      lastNumber: entries.findLast(({ n }) => classOfNumber(n) === UNRANKED)?.n ?? 0,
      sent: entries.length - queued.length,
      queued: queued.length,
      queuedBytes: queued.reduce((sum, { message }) => sum + message.byteLength, 0),
      queuedQos0: queued.filter(({ qos }) => qos === 0).length,
      shared: this.readShared(session).length,
      classes: [...classes],
      lastArrival: Math.max(0, ...ranked.map(({ n }) => arrivalOf(n))),
    };
  }
}
