// The broker's session store in SQLite: a log of what events did to the queues (message-log/), and what earlier releases
// left, which moves there session by session.

import type { Message } from "../../broker/session/message.ts";
import type { NumberRange, Recipient, Removed, SessionStore, StoredEntry } from "../../broker/session/session-store.ts";
import type { OutboundState } from "../../broker/session/stored-queue.ts";
import { MessageLog } from "./message-log/message-log.ts";
import { SqlLogTables } from "./message-log/sql-log-tables.ts";
import { OldQueue } from "./old-queue.ts";

export interface SqlSessionStorePorts {
  sql: SqlStorage;
  /** Something was removed, and `commit` must be called within a moment. */
  onRemoved(): void;
  /** What is stored could not be written: ends the object, since its memory is ahead of that. */
  failed(error: unknown): never;
}

export class SqlSessionStore implements SessionStore {
  readonly #ports: SqlSessionStorePorts;
  /** Null: nobody has asked for anything yet. */
  #opened: { log: MessageLog; old: OldQueue } | null = null;

  constructor(ports: SqlSessionStorePorts) {
    this.#ports = ports;
  }

  /** Entries of all sessions. */
  get queued(): number {
    const { log, old } = this.#open();
    return log.entries + old.entries;
  }

  append(message: Message, recipients: readonly Recipient[]): void {
    this.#open().log.append(message, recipients);
  }

  commit(): void {
    this.#opened?.log.commit();
  }

  /** At the end of each event: writes what must be written before anything is sent. */
  settle(): void {
    this.#opened?.log.settle();
  }

  read(session: number, after: number, limit: number): StoredEntry[] {
    return this.#of(session).read(session, after, limit);
  }

  readShared(session: number): StoredEntry[] {
    return this.#of(session).readShared(session);
  }

  /** Remembered, and written with the next write or by `commit`: if it is lost, an acknowledged message is sent again,
   *  which is legal, while a write of its own would hold back what this event sends. */
  remove(session: number, n: number, surely = false): void {
    this.#of(session).remove(session, n, surely);
  }

  removeFirst(session: number, numbers: NumberRange, count: number, bytes: number, most: number): Removed {
    return this.#of(session).removeFirst(session, numbers, count, bytes, most);
  }

  renumber(session: number, from: number, to: number): void {
    this.#of(session).renumber(session, from, to);
  }

  /** Forgets all that is stored for a session. */
  clear(session: number): void {
    this.#of(session).clear(session);
  }

  /** See MessageLog. */
  state(session: number, sentUpTo: number): OutboundState {
    return this.#of(session).state(session, sentUpTo);
  }

  /** See MessageLog. */
  sentUpToAtMost(session: number, inflightMax: number): number {
    return this.#of(session).sentUpToAtMost(session, inflightMax);
  }

  /** The sessions with the most bytes in their queues, the first with the most. Reads all that is known of queues. */
  largest(count: number): number[] {
    const { log, old } = this.#open();
    const sizes = [...log.sizes(), ...old.sizes()].sort(([, a], [, b]) => b - a);
    return Array.from(new Set(sizes.slice(0, count).map(([session]) => session)));
  }

  /** Gives back the room of what was removed. */
  reclaim(): void {
    this.#open().log.reclaim();
  }

  /** The log, with all of a session in it. */
  #of(session: number): MessageLog {
    const { log, old } = this.#open();
    if (old.move(session, (message, recipient) => log.append(message, [recipient]))) log.commit();
    return log;
  }

  #open(): { log: MessageLog; old: OldQueue } {
    const { sql, onRemoved, failed } = this.#ports;
    this.#opened ??= { log: new MessageLog(new SqlLogTables(sql, failed), onRemoved), old: new OldQueue(sql) };
    return this.#opened;
  }
}
