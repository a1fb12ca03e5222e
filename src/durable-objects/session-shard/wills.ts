// Will Messages, MQTT 5.0 section 3.1.2.5: durable from the attach on, published when their time has come through the
// outbox, or forgotten. A connection that was lost by the service's own doing announces nobody dead who is back soon.

import { limits } from "../../broker/limits.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { slotOfClientId } from "../../broker/topics/slots.ts";
import { publisherOf } from "../../broker/session/publisher.ts";
import type { AttachedWill } from "../../contracts/link.ts";
import type { Row } from "../../contracts/row-page.ts";
import { firstRow } from "../../platform/first-row.ts";
import type { KeptWills } from "./kept-wills.ts";

const SECOND = 1_000;
/** How long the will waits of a client that was lost by the service's own doing. */
const OURS_MS = 10 * SECOND;
/** How soon wills are tried again for which there was no room. */
const RETRY_MS = 10 * SECOND;
const BATCH = 1_000;
/** How soon wills of closed slots are looked at again. */
const CLOSED_MS = 1_000;

export interface WillPorts {
  sql: SqlStorage;
  kept: KeptWills;
  /** Whether a client's will is not this shard's to publish for the moment. */
  closed(clientId: string): boolean;
  now(): number;
  /** Takes a will to be routed, in the name of its client. False: there is no room for it. */
  take(publish: Publish, publisher: number): boolean;
  /** A will is dropped: too many wait for room. */
  dropped(): void;
  /** Calls `run` at that time at the latest. */
  runAt(at: number): void;
}

interface WillRow extends Record<string, SqlStorageValue> {
  uid: number;
  client_id: string;
  delay: number;
  due: number | null;
  ours: number;
  packet: ArrayBuffer;
}

interface DueRow extends Record<string, SqlStorageValue> {
  due: number;
  uid: number;
  client_id: string;
}

interface OverdueRow extends Record<string, SqlStorageValue> {
  id: number;
  publisher: number;
  packet: ArrayBuffer;
}

/** How a client left. */
export interface Leaving {
  /** Seconds that its session outlives the connection. */
  readonly sessionExpiryInterval: number;
  /** By the service's own doing, or nobody knows how. */
  readonly ours: boolean;
}

export class Wills {
  readonly #ports: WillPorts;
  /** Whether any will may wait for its time. */
  #mayWait: boolean;
  /** Wills that are due and found no room. */
  #overdue: number;
  #recovered = false;

  constructor(ports: WillPorts) {
    this.#ports = ports;
    this.#mayWait = ports.sql.exec("SELECT 1 FROM will WHERE due IS NOT NULL LIMIT 1").toArray().length > 0;
    this.#overdue = ports.sql.exec<{ count: number }>("SELECT count(*) AS count FROM overdue_will").one().count;
  }

  /** To be called at the first event that is not a connection's own: where none has outlived the object's memory, whose
   *  will stands as of a connected client was lost with it. */
  recover(connections: number): void {
    if (this.#recovered) return;
    this.#recovered = true;
    if (connections > 0) return;
    const { sql, now, runAt } = this.#ports;
    const lost = sql.exec(
      `UPDATE will SET ours = 1, due = ?1 + max(?2, ?3 * min(delay,
         coalesce((SELECT expiry_interval FROM session WHERE session.uid = will.uid), 0))) WHERE due IS NULL`,
      now(),
      OURS_MS,
      SECOND,
    );
    if (lost.rowsWritten === 0) return;
    this.#mayWait = true;
    runAt(now() + OURS_MS);
  }

  /** Whether a will that an attach names is here. */
  knows({ packet }: AttachedWill): boolean {
    return typeof packet === "string" || this.#ports.kept.has(packet.keptAs);
  }

  /** The client is connected, in this session, and this is its will from now on; undefined: it has none. */
  set(uid: number, clientId: string, will: AttachedWill | undefined): void {
    this.#returned(uid, clientId);
    const packet = will === undefined ? null : this.#packetOf(will);
    if (will === undefined || packet === null) return;
    this.#ports.sql.exec(
      "INSERT OR REPLACE INTO will (uid, client_id, delay, due, ours, packet) VALUES (?, ?, ?, NULL, 0, ?)",
      uid,
      clientId,
      will.delayInterval,
      packet.slice().buffer as ArrayBuffer,
    );
  }

  /** The client said goodbye: it has no will any more. [MQTT-3.1.2-10] */
  forget(uid: number): void {
    this.#ports.sql.exec("DELETE FROM will WHERE uid = ?", uid).toArray();
  }

  /** The client is gone without a goodbye: its will is published now, or when its delay or its session ends.
   *  [MQTT-3.1.2-8] */
  left(uid: number, { sessionExpiryInterval, ours }: Leaving): void {
    const { sql, now, runAt } = this.#ports;
    const row = this.#find(uid);
    // One that was thought lost may turn out to have left.
    if (row === null || (row.due !== null && (row.ours === 0 || ours))) return;
    const delayMs = Math.max(SECOND * Math.min(row.delay, sessionExpiryInterval), ours ? OURS_MS : 0);
    if (delayMs === 0) {
      this.#publish(row);
      return;
    }
    const due = now() + delayMs;
    sql.exec("UPDATE will SET due = ?, ours = ? WHERE uid = ?", due, ours ? 1 : 0, uid).toArray();
    this.#mayWait = true;
    runAt(due);
  }

  /** A session has ended: a will that waits for its delay waits no longer. */
  sessionEnded(uid: number): void {
    if (!this.#mayWait) return;
    const row = this.#find(uid);
    if (row !== null && row.due !== null && row.ours === 0) this.#publish(row);
  }

  /** Publishes what is due. */
  run(now: number): void {
    const { sql, runAt } = this.#ports;
    this.#publishOverdue();
    const { open, closed } = this.#due(now);
    for (const uid of open) {
      const row = this.#find(uid);
      if (row !== null) this.#publish(row);
    }
    const { next } = sql.exec<{ next: number | null }>("SELECT min(due) AS next FROM will WHERE due IS NOT NULL").one();
    if (next === null) this.#mayWait = false;
    else runAt(open.length >= BATCH || closed === 0 ? next : now + CLOSED_MS);
  }

  /** The first of those that are due and may be published, and how many of closed slots were passed over. */
  #due(now: number): { open: number[]; closed: number } {
    const { sql, closed: isClosed } = this.#ports;
    const open: number[] = [];
    let closed = 0;
    let last: DueRow = { due: -1, uid: 0, client_id: "" };
    for (let isFull = true; isFull && open.length < BATCH;) {
      const page = sql.exec<DueRow>(
        "SELECT due, uid, client_id FROM will WHERE due <= ? AND (due, uid) > (?, ?) ORDER BY due, uid LIMIT ?",
        now,
        last.due,
        last.uid,
        BATCH,
      );
      const rows = page.toArray();
      isFull = rows.length === BATCH;
      for (const { uid, client_id: clientId } of rows) {
        if (isClosed(clientId)) closed += 1;
        else open.push(uid);
      }
      last = rows.at(-1) ?? last;
    }
    return { open, closed };
  }

  /** Uids under which wills of slots' clients wait, whether there is still a session or not. */
  waitingOf(slots: readonly number[]): number[] {
    if (!this.#mayWait) return [];
    const rows = this.#ports.sql.exec<{ uid: number; client_id: string }>(
      "SELECT uid, client_id FROM will WHERE due IS NOT NULL",
    );
    const waiting: number[] = [];
    for (const { uid, client_id: clientId } of rows) if (slots.includes(slotOfClientId(clientId))) waiting.push(uid);
    return waiting;
  }

  /** A will has come from another shard with its session. Who was lost through the move has its time from now. */
  adopt({ uid, client_id, delay, due, ours, packet }: Row): void {
    const { sql, now, runAt } = this.#ports;
    const at = due !== null && ours === 1 ? Math.max(Number(due), now() + OURS_MS) : (due ?? null);
    const values = [uid, client_id, delay, at, ours, packet].map((value) => value ?? null);
    sql
      .exec(
        "INSERT OR REPLACE INTO will (uid, client_id, delay, due, ours, packet) VALUES (?, ?, ?, ?, ?, ?)",
        ...values,
      )
      .toArray();
    if (at === null) return;
    this.#mayWait = true;
    runAt(Number(at));
  }

  /** Slots open whose clients were lost by the service's own doing: these have their time from now. */
  renew(slots: readonly number[]): void {
    const { sql, now } = this.#ports;
    const due = now() + OURS_MS;
    for (const uid of this.waitingOf(slots)) {
      sql.exec("UPDATE will SET due = max(due, ?) WHERE uid = ? AND ours = 1", due, uid).toArray();
    }
  }

  /** The client is back in time, if it has its session again [MQTT-3.1.3-9] or was lost through no fault of its own; else
   *  the session has ended in which the will was made. */
  #returned(uid: number, clientId: string): void {
    if (!this.#mayWait) return;
    const rows = this.#ports.sql.exec<WillRow>("SELECT * FROM will WHERE client_id = ? AND due IS NOT NULL", clientId);
    for (const row of rows.toArray()) {
      if (row.uid === uid || row.ours === 1) this.forget(row.uid);
      else this.#publish(row);
    }
  }

  /** Its time has come: whatever its client does now, it is published, behind those that found no room before. */
  #publish({ uid, client_id: clientId, packet }: WillRow): void {
    const publisher = publisherOf(clientId);
    if (this.#overdue > 0 || !this.#take(publisher, packet)) this.#await(publisher, packet);
    this.forget(uid); // [MQTT-3.1.2-10]
  }

  #await(publisher: number, packet: ArrayBuffer): void {
    const { sql, dropped, now, runAt } = this.#ports;
    if (this.#overdue >= limits.overdueWills) {
      sql.exec("DELETE FROM overdue_will WHERE id = (SELECT min(id) FROM overdue_will)").toArray();
      this.#overdue -= 1;
      dropped();
    }
    sql.exec("INSERT INTO overdue_will (uid, packet) VALUES (?, ?)", publisher, packet).toArray();
    this.#overdue += 1;
    runAt(now() + RETRY_MS);
  }

  /** Publishes wills that found no room, as many as find it now. */
  #publishOverdue(): void {
    if (this.#overdue === 0) return;
    const { sql, now, runAt } = this.#ports;
    const rows = sql
      .exec<OverdueRow>("SELECT id, uid AS publisher, packet FROM overdue_will ORDER BY id LIMIT ?", BATCH)
      .toArray();
    const left = rows.findIndex(({ publisher, packet }) => !this.#take(publisher, packet));
    const taken = rows.slice(0, left < 0 ? rows.length : left);
    sql.exec("DELETE FROM overdue_will WHERE id <= ?", taken.at(-1)?.id ?? 0).toArray();
    this.#overdue -= taken.length;
    if (this.#overdue > 0) runAt(now() + (left < 0 ? 0 : RETRY_MS));
  }

  #take(publisher: number, packet: ArrayBuffer): boolean {
    return this.#ports.take(readTrustedPublish(new Uint8Array(packet)), publisher);
  }

  #find(uid: number): WillRow | null {
    return firstRow(this.#ports.sql.exec<WillRow>("SELECT * FROM will WHERE uid = ?", uid)) ?? null;
  }

  #packetOf({ packet }: AttachedWill): Uint8Array | null {
    if (typeof packet !== "string") return this.#ports.kept.take(packet.keptAs);
    return Uint8Array.from(atob(packet), (character) => character.charCodeAt(0));
  }
}
