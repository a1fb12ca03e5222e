// The session store in memory, for tests of the broker without a runtime.

import { Message } from "../../../src/broker/session/message.ts";
import type { OutboundState } from "../../../src/broker/session/stored-queue.ts";
import type { Recipient, Removed, SessionStore, StoredEntry } from "../../../src/broker/session/session-store.ts";

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

  removeOldest(session: number, after: number, count: number, bytes: number): Removed {
    const queued = this.read(session, after, Number.MAX_SAFE_INTEGER);
    const removed = { entries: 0, bytes: 0, qos0: 0 };
    for (const { n, qos, message } of queued.slice(0, -1)) {
      if (removed.entries >= count && removed.bytes >= bytes) break;
      removed.entries += 1;
      removed.bytes += message.byteLength;
      if (qos === 0) removed.qos0 += 1;
      this.remove(session, n);
    }
    return removed;
  }

  state(session: number, sentUpTo: number): OutboundState {
    const entries = this.read(session, 0, Number.MAX_SAFE_INTEGER);
    const queued = entries.filter(({ n }) => n > sentUpTo);
    return {
      sentUpTo,
      lastNumber: entries.at(-1)?.n ?? 0,
      sent: entries.length - queued.length,
      queued: queued.length,
      queuedBytes: queued.reduce((sum, { message }) => sum + message.byteLength, 0),
      queuedQos0: queued.filter(({ qos }) => qos === 0).length,
      shared: this.readShared(session).length,
    };
  }
}
