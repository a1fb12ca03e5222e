// Messages of groups of which no member is connected: they belong to the group, wait in order and within bounds, and go
// to whoever comes.

import { limits } from "../../broker/limits.ts";
import { sharedOrigin } from "../../contracts/envelope.ts";
import type { Group } from "./group-table.ts";
import type { Routed } from "./session-stream.ts";

/** Messages taken out at a time: few, since each may be large. */
const BATCH = 16;

interface WaitingRow extends Record<string, SqlStorageValue> {
  id: number;
  publisher: number;
  expires_at: number;
  packet: ArrayBuffer;
}

export class GroupQueue {
  readonly #sql: SqlStorage;
  #nextId: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#nextId = sql.exec<{ last: number }>("SELECT coalesce(max(id), 0) AS last FROM group_message").one().last + 1;
  }

  /** Adds a message. Returns how many older ones were dropped for it, of more than `messagesMax` or too many bytes. */
  add(group: Group, { publisher, expiresAt, packet }: Routed, messagesMax: number): number {
    const { slot, share } = group;
    this.#sql.exec(
      "INSERT INTO group_message (slot, filter, grp, id, publisher, expires_at, packet) VALUES (?, ?, ?, ?, ?, ?, ?)",
      slot,
      share.filter,
      share.group,
      this.#nextId++,
      publisher,
      expiresAt,
      packet.slice().buffer as ArrayBuffer,
    );
    group.waiting += 1;
    group.waitingBytes += packet.length;
    let dropped = 0;
    while (group.waiting > messagesMax || (group.waitingBytes > limits.sessionQueueBytes && group.waiting > 1)) {
      this.#take(group, 1);
      dropped += 1;
    }
    return dropped;
  }

  /** Takes the oldest messages out: some, of those that wait. */
  take(group: Group): Routed[] {
    return this.#take(group, BATCH).map(({ id, publisher, expires_at, packet }) => ({
      publisher,
      expiresAt: expires_at,
      packet: new Uint8Array(packet),
      origin: { shard: sharedOrigin, sequence: id },
      member: null,
    }));
  }

  #take(group: Group, count: number): WaitingRow[] {
    const { slot, share } = group;
    const rows = this.#sql
      .exec<WaitingRow>(
        `DELETE FROM group_message WHERE slot = ?1 AND filter = ?2 AND grp = ?3 AND id IN (
           SELECT id FROM group_message WHERE slot = ?1 AND filter = ?2 AND grp = ?3 ORDER BY id LIMIT ?4)
         RETURNING id, publisher, expires_at, packet`,
        slot,
        share.filter,
        share.group,
        count,
      )
      .toArray();
    group.waiting -= rows.length;
    for (const { packet } of rows) group.waitingBytes -= packet.byteLength;
    return rows.sort((a, b) => a.id - b.id);
  }
}
