// The rows of sessions that have something to keep: found by client id or uid, written at attach and at detach.

import { slotOfClientId } from "../../broker/topics/slots.ts";
import type { Row } from "../../contracts/row-page.ts";
import type { ClientFilter } from "../../contracts/rpc.ts";
import type { LinkAttachment } from "./link-attachment.ts";
import { firstRow } from "../../platform/first-row.ts";

/** Session Expiry Interval of a session that never expires. */
export const NEVER_EXPIRES = 0xffff_ffff;
const SECOND = 1_000;
/** Names of columns, which come from another shard's own table. */
const COLUMN = /^[a-z_]+$/;

export interface SessionRecord extends Record<string, SqlStorageValue> {
  slot: number;
  client_id: string;
  uid: number;
  expiry_interval: number;
  protocol_version: number;
  clean_start: number;
  keep_alive: number;
  username: string | null;
  peer_address: string;
  created_at: number;
  connected_at: number;
  disconnected_at: number | null;
  expires_at: number | null;
  disconnect_reason: string | null;
  sent_up_to: number;
  dropped: number;
  handshakes: ArrayBuffer | null;
}

export class SessionRecords {
  readonly #sql: SqlStorage;
  /** Rows; null: not counted yet. */
  #count: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // Where nobody has anything to keep, nobody is looked for.
    if (sql.exec("SELECT 1 FROM session LIMIT 1").toArray().length === 0) this.#count = 0;
  }

  findByClientId(clientId: string): SessionRecord | null {
    if (this.#count === 0) return null;
    const row = firstRow(
      this.#sql.exec<SessionRecord>(
        "SELECT * FROM session WHERE slot = ? AND client_id = ?",
        slotOfClientId(clientId),
        clientId,
      ),
    );
    return row ?? null;
  }

  findByUid(uid: number): SessionRecord | null {
    const row = firstRow(this.#sql.exec<SessionRecord>("SELECT * FROM session WHERE uid = ?", uid));
    return row ?? null;
  }

  /** Writes the session of a connected client; `known`: it has a row already. */
  connected({ uid, attach, connectedAt, createdAt, sentUpTo }: LinkAttachment, known: boolean): void {
    if (!known && this.#count !== null) this.#count += 1;
    this.#sql.exec(
      `INSERT INTO session (slot, client_id, uid, expiry_interval, protocol_version, clean_start, keep_alive, username,
         peer_address, created_at, connected_at, sent_up_to)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot, client_id) DO UPDATE SET
         expiry_interval = excluded.expiry_interval, protocol_version = excluded.protocol_version,
         clean_start = excluded.clean_start, keep_alive = excluded.keep_alive, username = excluded.username,
         peer_address = excluded.peer_address, connected_at = excluded.connected_at, disconnected_at = NULL,
         expires_at = NULL`,
      slotOfClientId(attach.clientId),
      attach.clientId,
      uid,
      attach.sessionExpiryInterval,
      attach.protocolVersion,
      attach.cleanStart ? 1 : 0,
      attach.keepAliveSeconds,
      attach.username,
      attach.peerAddress,
      createdAt,
      connectedAt,
      sentUpTo,
    );
  }

  /** Writes that the client is gone; returns when the session expires, null for never. */
  disconnected(
    uid: number,
    change: { reason: string; expiryInterval: number; sentUpTo: number; dropped: number; now: number },
  ): number | null {
    const { reason, expiryInterval, sentUpTo, dropped, now } = change;
    const expiresAt = expiryInterval === NEVER_EXPIRES ? null : now + expiryInterval * SECOND;
    this.#sql.exec(
      `UPDATE session SET disconnected_at = ?, expires_at = ?, disconnect_reason = ?, expiry_interval = ?,
         sent_up_to = ?, dropped = dropped + ? WHERE uid = ?`,
      now,
      expiresAt,
      reason,
      expiryInterval,
      sentUpTo,
      dropped,
      uid,
    );
    return expiresAt;
  }

  /** Writes up to which number a session's messages were sent. */
  sentUpTo(uid: number, sentUpTo: number): void {
    this.#sql.exec("UPDATE session SET sent_up_to = ?1 WHERE uid = ?2 AND sent_up_to < ?1", sentUpTo, uid).toArray();
  }

  /** Writes the handshakes of a session that has a row. */
  keepHandshakes(uid: number, handshakes: Uint8Array | null): void {
    const bytes = handshakes === null ? null : (handshakes.slice().buffer as ArrayBuffer);
    this.#sql.exec("UPDATE session SET handshakes = ? WHERE uid = ?", bytes, uid);
  }

  /** How many sessions each slot has that has any. */
  countBySlot(): Map<number, number> {
    const rows = this.#sql.exec<{ slot: number; n: number }>("SELECT slot, count(*) AS n FROM session GROUP BY slot");
    return new Map(Array.from(rows, ({ slot, n }) => [slot, n] as const));
  }

  /** How many sessions slots have. */
  countOf(slots: readonly number[]): number {
    if (slots.length === 0) return 0;
    const own = JSON.stringify(slots);
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM session WHERE slot IN (SELECT value FROM json_each(?))", own)
      .one().n;
  }

  /** The sessions of slots, `limit` at most. */
  uidsOf(slots: readonly number[], limit = -1): number[] {
    const rows = this.#sql.exec<{ uid: number }>(
      "SELECT uid FROM session WHERE slot IN (SELECT value FROM json_each(?)) ORDER BY slot, client_id LIMIT ?",
      JSON.stringify(slots),
      limit,
    );
    return Array.from(rows, ({ uid }) => uid);
  }

  /** Writes a session as it was in another shard. */
  adopt(row: Row): void {
    const columns = Object.keys(row).filter((column) => COLUMN.test(column));
    const values = columns.map((column) => row[column] ?? null);
    this.#sql
      .exec(
        `INSERT OR REPLACE INTO session (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
        ...values,
      )
      .toArray();
    this.#count = null;
  }

  /** Sessions of slots whose clients were gone since `since` at the latest have the whole of their expiry before them. */
  renew(slots: readonly number[], since: number, now: number): void {
    this.#sql
      .exec(
        `UPDATE session SET expires_at = ?1 + ?2 * expiry_interval
         WHERE slot IN (SELECT value FROM json_each(?3)) AND disconnected_at >= ?4 AND expires_at IS NOT NULL`,
        now,
        SECOND,
        JSON.stringify(slots),
        since,
      )
      .toArray();
  }

  remove(uid: number): void {
    const removed = this.#sql.exec("DELETE FROM session WHERE uid = ? RETURNING uid", uid).toArray();
    if (this.#count !== null) this.#count -= removed.length;
  }

  count(): number {
    this.#count ??= this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM session").one().n;
    return this.#count;
  }

  /** Sessions whose time has come, `limit` at most. */
  expired(now: number, limit: number, closed: readonly number[]): SessionRecord[] {
    return this.#sql
      .exec<SessionRecord>(
        `SELECT * FROM session WHERE expires_at <= ? AND slot NOT IN (SELECT value FROM json_each(?))
         ORDER BY expires_at LIMIT ?`,
        now,
        JSON.stringify(closed),
        limit,
      )
      .toArray();
  }

  nextExpiry(closed: readonly number[] = []): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        `SELECT min(expires_at) AS at FROM session
         WHERE expires_at IS NOT NULL AND slot NOT IN (SELECT value FROM json_each(?))`,
        JSON.stringify(closed),
      )
      .one().at;
  }

  /** Sessions that the last word of says connected. */
  connectedUids(): number[] {
    const rows = this.#sql.exec<{ uid: number }>("SELECT uid FROM session WHERE disconnected_at IS NULL");
    return Array.from(rows, ({ uid }) => uid);
  }

  /** Rows behind client id `after` that match, in the order of client ids, and how many match in all; none of slots `but`. */
  list(
    filter: ClientFilter,
    after: string,
    limit: number,
    but: readonly number[] = [],
  ): { rows: SessionRecord[]; count: number } {
    const conditions: string[] = [];
    const values: SqlStorageValue[] = [];
    const add = (condition: string, value: SqlStorageValue) => {
      conditions.push(condition);
      values.push(value);
    };
    if (filter.username !== undefined) add("username = ?", filter.username);
    if (filter.connected !== undefined) add("(disconnected_at IS NULL) = ?", filter.connected ? 1 : 0);
    if (filter.likeClientId !== undefined) add("instr(client_id, ?) > 0", filter.likeClientId);
    if (filter.likeUsername !== undefined) add("instr(username, ?) > 0", filter.likeUsername);
    if (filter.peerAddress !== undefined) add("peer_address = ?", filter.peerAddress);
    if (filter.protocolVersion !== undefined) add("protocol_version = ?", filter.protocolVersion);
    if (filter.cleanStart !== undefined) add("clean_start = ?", filter.cleanStart ? 1 : 0);
    if (but.length > 0) add("slot NOT IN (SELECT value FROM json_each(?))", JSON.stringify(but));
    const where = conditions.length === 0 ? "1" : conditions.join(" AND ");
    const { n } = this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM session WHERE ${where}`, ...values).one();
    const rows = this.#sql
      .exec<SessionRecord>(
        `SELECT * FROM session WHERE ${where} AND client_id > ? ORDER BY client_id LIMIT ?`,
        ...values,
        after,
        limit,
      )
      .toArray();
    return { rows, count: n };
  }
}
