// Messages that a session shard could not be given yet, durable and in order: what is here counts as safe.

import { limits } from "../../broker/limits.ts";
import type { Origin, SharedWith } from "../../contracts/envelope.ts";
import { ReservedNumbers } from "../../platform/reserved-numbers.ts";
import { firstRow } from "../../platform/first-row.ts";
import { tableEmpty } from "./table-empty.ts";

export interface OutboxMessage {
  /** Its place in the order of that session shard. */
  readonly id: number;
  readonly publisher: number;
  readonly expiresAt: number;
  readonly packet: Uint8Array;
  /** Null: it may come twice. */
  readonly origin: Origin | null;
  /** The one member of a share that it is for; null: it is for all who subscribe. */
  readonly member: SharedWith | null;
}

interface OutboxRow extends Record<string, SqlStorageValue> {
  id: number;
  publisher: number;
  expires_at: number;
  packet: ArrayBuffer;
  origin: number;
  sequence: number;
  uid: number;
  share: string;
}

export class Outbox {
  readonly #sql: SqlStorage;
  #messages: number;
  #bytes: number;
  readonly #ids: ReservedNumbers;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // Mostly there is nothing, and then nothing is counted.
    const row = tableEmpty(sql, "outbox")
      ? { messages: 0, bytes: 0, last: 0 }
      : sql
          .exec<{ messages: number; bytes: number; last: number }>(
            "SELECT count(*) AS messages, sum(length(packet)) AS bytes, max(id) AS last FROM outbox",
          )
          .one();
    this.#messages = row.messages;
    this.#bytes = row.bytes;
    // They are sequences of shared messages too, of which session shards remember the highest.
    this.#ids = new ReservedNumbers(sql, "outbox_id", () => row.last);
  }

  get messages(): number {
    return this.#messages;
  }

  /** Session shards that something waits for. */
  shards(): number[] {
    if (this.#messages === 0) return [];
    return Array.from(this.#sql.exec<{ shard: number }>("SELECT DISTINCT shard FROM outbox"), ({ shard }) => shard);
  }

  /** Whether something waits for a session shard. */
  has(shard: number): boolean {
    if (this.#messages === 0) return false;
    return this.#sql.exec("SELECT 1 FROM outbox WHERE shard = ? LIMIT 1", shard).toArray().length > 0;
  }

  /** Whether nothing more should be added. */
  get full(): boolean {
    return this.#messages >= limits.outboxMessages || this.#bytes >= limits.outboxBytes;
  }

  /** Stores a message for a session shard. Returns its id. */
  add(shard: number, { publisher, expiresAt, packet, origin, member }: Omit<OutboxMessage, "id">): number {
    const id = this.#ids.take(1);
    this.#sql.exec(
      `INSERT INTO outbox (shard, id, publisher, expires_at, packet, origin, sequence, uid, share)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      shard,
      id,
      publisher,
      expiresAt,
      packet.slice().buffer as ArrayBuffer,
      origin?.shard ?? 0,
      origin?.sequence ?? 0,
      member?.uid ?? 0,
      member?.share ?? "",
    );
    this.#messages += 1;
    this.#bytes += packet.length;
    return id;
  }

  /** Up to `limit` messages for a session shard behind `after`, in order. */
  read(shard: number, after: number, limit: number): OutboxMessage[] {
    const rows = this.#sql.exec<OutboxRow>(
      "SELECT * FROM outbox WHERE shard = ? AND id > ? ORDER BY id LIMIT ?",
      shard,
      after,
      limit,
    );
    return Array.from(rows, ({ id, publisher, expires_at, packet, origin, sequence, uid, share }) => ({
      id,
      publisher,
      expiresAt: expires_at,
      packet: new Uint8Array(packet),
      origin: sequence === 0 ? null : { shard: origin, sequence },
      member: share === "" ? null : { uid, share, turn: 0 },
    }));
  }

  remove(shard: number, id: number): void {
    const row = firstRow(
      this.#sql.exec<{ bytes: number }>(
        "DELETE FROM outbox WHERE shard = ? AND id = ? RETURNING length(packet) AS bytes",
        shard,
        id,
      ),
    );
    if (row === undefined) return;
    this.#messages -= 1;
    this.#bytes -= row.bytes;
  }
}
