// Retained messages, one a topic, in SQLite alone. [MQTT-3.3.1-5]

import type { Met } from "../../broker/topics/retained-lookup.ts";
import { retainedTopics } from "../../broker/topics/retained-lookup.ts";
import { slotOfTopic } from "../../broker/topics/slots.ts";
import { firstRow } from "../../platform/first-row.ts";

/** Topics are looked up over all slots of the shard: one partition. */
const PARTITION = 0;

interface RetainedRow extends Record<string, SqlStorageValue> {
  expires_at: number;
  publisher: number;
  bytes: number;
  /** Null: it has expired, and was not read. */
  packet: ArrayBuffer | null;
}

export interface RetainedMessage {
  topic: string;
  expiresAt: number;
  /** As publisherOf has it; 0: no client. */
  publisher: number;
  packet: Uint8Array;
}

export interface Found {
  /** Size of the packet. */
  bytes: number;
  /** Null: it had expired, and was removed. */
  message: RetainedMessage | null;
}

export class RetainedStore {
  readonly #sql: SqlStorage;
  #count: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get count(): number {
    this.#count ??= this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM retained").one().n;
    return this.#count;
  }

  /** Rows have changed by themselves. */
  forget(): void {
    this.#count = null;
  }

  has(topic: string): boolean {
    const rows = this.#sql.exec("SELECT 1 FROM retained WHERE slot = ? AND topic = ?", slotOfTopic(topic), topic);
    return rows.toArray().length > 0;
  }

  set({ topic, expiresAt, publisher, packet }: RetainedMessage): void {
    if (this.#count !== null && !this.has(topic)) this.#count += 1;
    this.#sql.exec(
      `INSERT INTO retained (slot, topic, expires_at, publisher, packet) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (slot, topic) DO UPDATE SET
         expires_at = excluded.expires_at, publisher = excluded.publisher, packet = excluded.packet`,
      slotOfTopic(topic),
      topic,
      expiresAt,
      publisher,
      packet.slice().buffer as ArrayBuffer,
    );
  }

  /** [MQTT-3.3.1-6] */
  remove(topic: string): void {
    if (!this.has(topic)) return;
    if (this.#count !== null) this.#count -= 1;
    this.#sql.exec("DELETE FROM retained WHERE slot = ? AND topic = ?", slotOfTopic(topic), topic);
  }

  /** Topics behind `after` ("": all) that match a filter, in their order, and those met between that do not. */
  topics(filter: string, after: string): Generator<Met> {
    const firstFrom = (_: number, from: string) => this.#firstFrom(from);
    return retainedTopics({ firstFrom }, PARTITION, filter, after);
  }

  /** The retained message of a topic; one that has expired is removed. Null: there is none. */
  find(topic: string, now: number): Found | null {
    const row = firstRow(
      this.#sql.exec<RetainedRow>(
        `SELECT expires_at, publisher, length(packet) AS bytes,
                CASE WHEN expires_at = 0 OR expires_at > ? THEN packet END AS packet
         FROM retained WHERE slot = ? AND topic = ?`,
        now,
        slotOfTopic(topic),
        topic,
      ),
    );
    if (row === undefined) return null;
    const { expires_at: expiresAt, publisher, bytes, packet } = row;
    if (packet !== null) return { bytes, message: { topic, expiresAt, publisher, packet: new Uint8Array(packet) } };
    this.remove(topic);
    return { bytes, message: null };
  }

  #firstFrom(from: string): string | null {
    const row = firstRow(
      this.#sql.exec<{ topic: string }>("SELECT topic FROM retained WHERE topic >= ? ORDER BY topic LIMIT 1", from),
    );
    return row?.topic ?? null;
  }
}
