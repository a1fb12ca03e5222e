// Queues as earlier releases stored them: a row for each message, and one for each of its entries. A session's part moves
// to the log when the session is touched, so that no start has to move everything.

import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import type { QoS } from "../../broker/mqtt/packets.ts";
import { Message } from "../../broker/session/message.ts";
import type { Recipient } from "../../broker/session/session-store.ts";

interface OldRow extends Record<string, SqlStorageValue> {
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

export class OldQueue {
  readonly #sql: SqlStorage;
  #some: boolean;
  /** Where the log has messages of which others wait. Not for the next life: an empty log numbers anew. */
  readonly #storedAs = new Map<number, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#some = this.#look();
  }

  /** Entries of all sessions. */
  get entries(): number {
    return this.#some ? this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM queue").one().n : 0;
  }

  /** Moves what a session has. `append` stores it in the log. True: the log must be written in this event. */
  move(session: number, append: (message: Message, recipient: Recipient) => void): boolean {
    if (!this.#some) return false;
    const rows = this.#sql
      .exec<OldRow>(
        `SELECT n, qos, retain, identifiers, share, message, publisher, expires_at, packet
         FROM queue JOIN message ON message.id = queue.message WHERE uid = ? ORDER BY n`,
        session,
      )
      .toArray();
    if (rows.length === 0) return false;
    for (const row of rows) {
      const message = new Message(readTrustedPublish(new Uint8Array(row.packet)), row.publisher, row.expires_at);
      message.storedAs = this.#storedAs.get(row.message) ?? 0;
      append(message, recipientOf(session, row));
      this.#moved(row.message, message.storedAs);
    }
    this.#sql.exec("DELETE FROM queue WHERE uid = ?", session).toArray();
    this.#some = this.#look();
    return true;
  }

  /** Bytes of the messages of each session's queue. */
  sizes(): (readonly [session: number, bytes: number])[] {
    if (!this.#some) return [];
    const rows = this.#sql.exec<{ uid: number; bytes: number }>(
      `SELECT uid, sum(length(packet)) AS bytes FROM queue JOIN message ON message.id = queue.message GROUP BY uid`,
    );
    return Array.from(rows, ({ uid, bytes }) => [uid, bytes] as const);
  }

  /** One of a message's entries is in the log now: the others join it there, the last one leaves nothing here. */
  #moved(message: number, storedAs: number): void {
    const { rowsWritten } = this.#sql.exec("DELETE FROM message WHERE id = ? AND recipients <= 1", message);
    if (rowsWritten > 0) {
      this.#storedAs.delete(message);
      return;
    }
    this.#storedAs.set(message, storedAs);
    this.#sql.exec("UPDATE message SET recipients = recipients - 1 WHERE id = ?", message).toArray();
  }

  #look(): boolean {
    return this.#sql.exec("SELECT 1 FROM queue LIMIT 1").toArray().length > 0;
  }
}

function recipientOf(session: number, { n, qos, retain, identifiers, share }: OldRow): Recipient {
  return {
    session,
    n,
    qos: qos as QoS,
    retain: retain === 1,
    identifiers: identifiers === "" ? [] : identifiers.split(",").map(Number),
    share,
  };
}
