// The broker's session store in SQLite: a message once, an entry for each of its recipients.

import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import type { QoS } from "../../broker/mqtt/packets.ts";
import { Message } from "../../broker/session/message.ts";
import { FIRST_PLACE } from "../../broker/session/queue-order.ts";
import type { NumberRange, Recipient, Removed, SessionStore, StoredEntry } from "../../broker/session/session-store.ts";
import type { OutboundState } from "../../broker/session/stored-queue.ts";

/** Entries read at least at a time to find how many go. */
const OLDEST_READ = 16;
/** Removed entries that may wait to be written. */
const REMOVED_MAX = 256;
/** The same of one session. */
const REMOVED_OF_SESSION_MAX = 64;

interface QueueRow extends Record<string, SqlStorageValue> {
  n: number;
  qos: number;
  retain: number;
  identifiers: string;
  share: string;
  message: number;
  publisher: number;
  expires_at: number;
  packet: ArrayBuffer;
}

interface CountRow extends Record<string, SqlStorageValue> {
  last: number | null;
  highest: number | null;
  sent: number;
  queued: number;
  queued_bytes: number;
  queued_qos0: number;
  shared: number;
}

export class SqlSessionStore implements SessionStore {
  readonly #sql: SqlStorage;
  readonly #onRemoved: () => void;
  #nextMessage: number;
  /** Numbers by session. */
  #removed = new Map<number, number[]>();
  #removedCount = 0;
  #surely = false;

  /** `onRemoved`: something was removed, and `flush` must be called within a moment. */
  constructor(sql: SqlStorage, onRemoved: () => void) {
    this.#sql = sql;
    this.#onRemoved = onRemoved;
    const { last } = sql.exec<{ last: number | null }>("SELECT max(id) AS last FROM message").one();
    this.#nextMessage = (last ?? 0) + 1;
  }

  /** Entries of all sessions. */
  get queued(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM queue").one().n;
  }

  append(message: Message, recipients: readonly Recipient[]): void {
    this.flush();
    if (message.storedAs === 0 || !this.#join(message.storedAs, recipients.length))
      this.#insert(message, recipients.length);
    for (const { session, n, qos, retain, identifiers, share } of recipients) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO queue (uid, n, message, qos, retain, identifiers, share) VALUES (?, ?, ?, ?, ?, ?, ?)",
        session,
        n,
        message.storedAs,
        qos,
        retain ? 1 : 0,
        identifiers.join(","),
        share,
      );
    }
  }

  read(session: number, after: number, limit: number): StoredEntry[] {
    this.flush();
    const rows = this.#sql.exec<QueueRow>(
      `SELECT n, qos, retain, identifiers, share, message, publisher, expires_at, packet
       FROM queue JOIN message ON message.id = queue.message
       WHERE uid = ? AND n > ? ORDER BY n LIMIT ?`,
      session,
      after,
      limit,
    );
    return Array.from(rows, entryOf);
  }

  readShared(session: number): StoredEntry[] {
    this.flush();
    const rows = this.#sql.exec<QueueRow>(
      `SELECT n, qos, retain, identifiers, share, message, publisher, expires_at, packet
       FROM queue JOIN message ON message.id = queue.message
       WHERE uid = ? AND share <> '' ORDER BY n`,
      session,
    );
    return Array.from(rows, entryOf);
  }

  /** Remembered, and written with the next write or by `flush`: if it is lost, an acknowledged message is sent again,
   *  which is legal, while a write of its own would hold back what this event sends. */
  remove(session: number, n: number, surely = false): void {
    const numbers = this.#removed.get(session) ?? [];
    if (numbers.length === 0) this.#removed.set(session, numbers);
    numbers.push(n);
    this.#surely ||= surely;
    this.#removedCount += 1;
    if (this.#removedCount === 1) this.#onRemoved();
    if (this.#removedCount >= REMOVED_MAX || numbers.length >= REMOVED_OF_SESSION_MAX) this.flush();
  }

  /** At the end of each event: writes what must be written before anything is sent. */
  settle(): void {
    if (this.#surely) this.flush();
  }

  /** Writes what was removed. */
  flush(): void {
    if (this.#removed.size === 0) return;
    const removed = this.#removed;
    this.#removed = new Map();
    this.#removedCount = 0;
    this.#surely = false;
    for (const [session, numbers] of removed) {
      const rows = this.#sql.exec<{ message: number }>(
        "DELETE FROM queue WHERE uid = ? AND n IN (SELECT value FROM json_each(?)) RETURNING message",
        session,
        JSON.stringify(numbers),
      );
      this.#release(rows.toArray());
    }
  }

  removeFirst(session: number, { after, before }: NumberRange, count: number, bytes: number, most: number): Removed {
    this.flush();
    const removed = { entries: 0, bytes: 0, qos0: 0 };
    let upTo = after;
    while (removed.entries < most && (removed.entries < count || removed.bytes < bytes)) {
      // Read to its end: what is left open stays so until the garbage is collected, and slows every statement.
      const rows = this.#sql
        .exec<{ n: number; qos: number; bytes: number }>(
          `SELECT n, qos, length(packet) AS bytes FROM queue JOIN message ON message.id = queue.message
           WHERE uid = ? AND n > ? AND n < ? ORDER BY n LIMIT ?`,
          session,
          upTo,
          before,
          Math.min(most - removed.entries, Math.max(count - removed.entries, OLDEST_READ)),
        )
        .toArray();
      if (rows.length === 0) break;
      for (const { n, qos, bytes: length } of rows) {
        if (removed.entries >= count && removed.bytes >= bytes) break;
        removed.entries += 1;
        removed.bytes += length;
        if (qos === 0) removed.qos0 += 1;
        upTo = n;
      }
    }
    const entries = this.#sql.exec<{ message: number }>(
      "DELETE FROM queue WHERE uid = ? AND n > ? AND n <= ? RETURNING message",
      session,
      after,
      upTo,
    );
    this.#release(entries.toArray());
    return removed;
  }

  renumber(session: number, from: number, to: number): void {
    this.#sql.exec("UPDATE queue SET n = ? WHERE uid = ? AND n = ?", to, session, from).toArray();
  }

  /** Forgets all that is stored for a session. */
  clear(session: number): void {
    this.flush();
    const rows = this.#sql.exec<{ message: number }>("DELETE FROM queue WHERE uid = ? RETURNING message", session);
    this.#release(rows.toArray());
  }

  /** What is stored for a session that was sent up to `sentUpTo`. */
  state(session: number, sentUpTo: number): OutboundState {
    this.flush();
    const counts = this.#sql
      .exec<CountRow>(
        `SELECT max(n) FILTER (WHERE n < ?3) AS last,
                max(n) AS highest,
                count(*) FILTER (WHERE n <= ?1) AS sent,
                count(*) FILTER (WHERE n > ?1) AS queued,
                coalesce(sum(length(packet)) FILTER (WHERE n > ?1), 0) AS queued_bytes,
                count(*) FILTER (WHERE n > ?1 AND qos = 0) AS queued_qos0,
                count(*) FILTER (WHERE share <> '') AS shared
         FROM queue JOIN message ON message.id = queue.message WHERE uid = ?2`,
        sentUpTo,
        session,
        FIRST_PLACE,
      )
      .one();
    return {
      sentUpTo,
      lastNumber: counts.last ?? 0,
      sent: counts.sent,
      queued: counts.queued,
      queuedBytes: counts.queued_bytes,
      queuedQos0: counts.queued_qos0,
      shared: counts.shared,
      ...((counts.highest ?? 0) < FIRST_PLACE ? { classes: [], lastArrival: 0 } : this.#classes(session)),
    };
  }

  /** Number of the last entry that may have been sent, where nobody knows any more: no more than `inflightMax` are
   *  unacknowledged at a time, behind some that were acknowledged and are not removed yet. */
  sentUpToAtMost(session: number, inflightMax: number): number {
    this.flush();
    const { last } = this.#sql
      .exec<{ last: number | null }>(
        "SELECT max(n) AS last FROM (SELECT n FROM queue WHERE uid = ? AND n < ? AND qos > 0 ORDER BY n LIMIT ?)",
        session,
        FIRST_PLACE,
        inflightMax + REMOVED_OF_SESSION_MAX,
      )
      .one();
    return last ?? 0;
  }

  #classes(session: number): Pick<OutboundState, "classes" | "lastArrival"> {
    const rows = this.#sql
      .exec<{ class: number; entries: number; last: number }>(
        // classOfNumber and arrivalOf, in integers: a bound number is a float here.
        `SELECT n >> 32 AS class, count(*) AS entries, max(n & 0xffffffff) AS last FROM queue
         WHERE uid = ? AND n >= ? GROUP BY 1`,
        session,
        FIRST_PLACE,
      )
      .toArray();
    return {
      classes: rows.map(({ class: rank, entries }) => [rank, entries] as const),
      lastArrival: Math.max(...rows.map(({ last }) => last)),
    };
  }

  /** More recipients of a message that is stored. False: it is no more. */
  #join(message: number, recipients: number): boolean {
    const joined = this.#sql.exec("UPDATE message SET recipients = recipients + ? WHERE id = ?", recipients, message);
    return joined.rowsWritten > 0;
  }

  #insert(message: Message, recipients: number): void {
    message.storedAs = this.#nextMessage++;
    this.#sql.exec(
      "INSERT INTO message (id, publisher, expires_at, recipients, packet) VALUES (?, ?, ?, ?, ?)",
      message.storedAs,
      message.publisher,
      message.expiresAt,
      recipients,
      ownBuffer(message.publish.bytes),
    );
  }

  /** Entries of one session are gone: their messages go with the last recipient. */
  #release(entries: readonly { message: number }[]): void {
    if (entries.length === 0) return;
    const messages = JSON.stringify(entries.map(({ message }) => message));
    const deleted = this.#sql.exec(
      "DELETE FROM message WHERE recipients <= 1 AND id IN (SELECT value FROM json_each(?))",
      messages,
    );
    if (deleted.rowsWritten >= entries.length) return;
    this.#sql.exec(
      "UPDATE message SET recipients = recipients - 1 WHERE id IN (SELECT value FROM json_each(?))",
      messages,
    );
  }
}

function entryOf(row: QueueRow): StoredEntry {
  const message = new Message(readTrustedPublish(new Uint8Array(row.packet)), row.publisher, row.expires_at);
  message.storedAs = row.message;
  return {
    n: row.n,
    qos: row.qos as QoS,
    retain: row.retain === 1,
    identifiers: row.identifiers === "" ? [] : row.identifiers.split(",").map(Number),
    share: row.share,
    message,
  };
}

/** The bytes in a buffer of their own: SQLite takes the whole of a view's buffer. */
export function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
