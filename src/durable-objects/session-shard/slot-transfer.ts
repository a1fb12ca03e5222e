// Sessions that leave for another session shard with their slots, or arrive from one: their records, subscriptions, wills,
// what they have still to get, and what waits for them. When it is copied nothing is published, so that each message is
// for one of both shards.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { limits } from "../../broker/limits.ts";
import type { QoS } from "../../broker/mqtt/packets.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { Message } from "../../broker/session/message.ts";
import { generationOf } from "../../broker/session/queue-order.ts";
import type { Recipient, StoredEntry } from "../../broker/session/session-store.ts";
import { isShare, memberName } from "../../broker/topics/share.ts";
import { exclusiveClaim } from "../../broker/topics/topic-filter.ts";
import type { Row, RowValue } from "../../contracts/row-page.ts";
import type { NumberedMove, SlotPage } from "../../contracts/rpc.ts";
import type { ArrivedPage } from "../../platform/arriving-pages.ts";
import { ArrivingPages } from "../../platform/arriving-pages.ts";
import type { SlotWeight } from "../../platform/slot-choice.ts";
import { chooseSlots } from "../../platform/slot-choice.ts";
import type { Part } from "../../platform/slot-parts.ts";
import { partOf, TablePart, writeSlotPage } from "../../platform/slot-parts.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { QueueOrders } from "./queue-orders.ts";
import type { PrincipalChanges } from "./principal-changes.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import { NEVER_EXPIRES, type SessionRecords } from "./session-records.ts";
import type { Sessions } from "./sessions.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Wills } from "./wills.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

const SECOND = 1_000;
/** Sessions that are removed at a time. */
const RELEASED = 100;
/** Messages of a move of which it is remembered that they are stored here: others are stored again. */
const STORED_MESSAGES = 65_536;

export interface SlotTransferPorts {
  sql: SqlStorage;
  closed: ClosedSlots;
  records: SessionRecords;
  sessions: Sessions;
  subscriptions: Subscriptions;
  routes: Routes;
  retained: RetainedReads;
  wills: Wills;
  store: WriteBehindStore;
  principals: PrincipalChanges;
  queueOrders: QueueOrders;
  now(): number;
  /** The slots of this shard. */
  slots(): number[];
  expireAt(at: number): void;
}

export class SlotTransfer {
  readonly pages: ArrivingPages;
  readonly #ports: SlotTransferPorts;
  /** Where messages of the move that is being adopted are stored here, by where they were. */
  #storedAs = new BoundedCache<RowValue, number>(STORED_MESSAGES);

  constructor(ports: SlotTransferPorts) {
    this.#ports = ports;
    this.pages = new ArrivingPages(ports.sql);
  }

  /** See MovingShardRpc. */
  slotsToGive(count: number): number[] {
    const most = { count: Math.min(count, limits.moveSlots), bytes: limits.moveBytes, rows: limits.moveRows };
    return chooseSlots(this.#weights(), most);
  }

  /** See MovingShardRpc. */
  exportPage({ slots }: NumberedMove, from: string): SlotPage {
    const most = { bytes: limits.movePageBytes, rows: limits.movePageRows };
    return writeSlotPage(this.#parts(slots), from, most);
  }

  /** Adopts a page that has come. The slots are closed here too until they are this shard's: a session of which only a part
   *  has come must not expire, nor its will be published. */
  adopt(move: NumberedMove, page: ArrivedPage): void {
    const { closed, records, retained, wills, principals, now } = this.#ports;
    const { from } = move;
    const { rows: tables } = page;
    if (page.index === 0) this.#storedAs = new BoundedCache(STORED_MESSAGES);
    for (const { at } of tables.get("closed") ?? []) closed.expect(move, Number(at));
    for (const row of tables.get("session") ?? []) {
      const expiresAt = this.#expiresAt(row, closed.at);
      records.adopt({ ...row, expires_at: expiresAt });
      if (expiresAt !== null) this.#ports.expireAt(expiresAt);
    }
    for (const row of tables.get("subscription") ?? []) this.#adoptSubscription(row, from);
    for (const row of tables.get("will") ?? []) wills.adopt(row);
    for (const { uid, filter, shard, after } of tables.get("retained_read") ?? []) {
      retained.adopt(Number(uid), String(filter), Number(shard), String(after));
    }
    for (const { username, revision } of tables.get("principal_change") ?? []) {
      principals.add(String(username), Number(revision), now());
    }
    this.#adoptEntries(tables.get("entry") ?? []);
    this.#ports.store.commit();
    this.pages.adopted(page);
  }

  /** Removes some of the sessions. True: there may be more. */
  release({ slots }: NumberedMove): boolean {
    const { sessions, records, wills, store } = this.#ports;
    const uids = records.uidsOf(slots, RELEASED);
    let [rows, departed] = [0, 0];
    for (const uid of uids) {
      if (rows >= limits.movePageRows) break;
      rows += 1 + store.state(uid, 0).queued;
      sessions.depart(uid);
      departed += 1;
    }
    store.commit();
    if (departed < uids.length || departed === RELEASED) return true;
    const left = wills.waitingOf(slots);
    for (const uid of left.slice(0, limits.movePageRows)) wills.forget(uid);
    return left.length > limits.movePageRows;
  }

  /** Of this shard's slots, the last one first, until they have as many sessions as may move together. */
  *#weights(): Generator<SlotWeight> {
    const { records, store, slots } = this.#ports;
    const sessions = records.countBySlot();
    let sum = 0;
    for (const slot of slots().toReversed()) {
      const own = sessions.get(slot) ?? 0;
      if (sum > 0 && sum + own > limits.moveSessions) return;
      sum += own;
      const states = records.uidsOf([slot]).map((uid) => store.state(uid, 0));
      const bytes = states.reduce((all, { queuedBytes }) => all + queuedBytes, 0);
      yield { slot, bytes, rows: states.reduce((all, { queued }) => all + queued, own) };
    }
  }

  /** Who was connected when the slots were closed has the whole of its expiry before it, as if the connection had ended now. */
  #expiresAt({ expires_at, disconnected_at, expiry_interval }: Row, closedAt: number): number | null {
    if (expiry_interval === NEVER_EXPIRES || expires_at === null) return null;
    const wasConnected = Number(disconnected_at) >= closedAt;
    return wasConnected ? this.#ports.now() + SECOND * Number(expiry_interval) : Number(expires_at);
  }

  #adoptSubscription(row: Row, from: number): void {
    const { subscriptions, routes } = this.#ports;
    const [uid, filter] = [Number(row["uid"]), String(row["filter"])];
    const exclusive = row["exclusive"] === 1;
    subscriptions.add(uid, {
      filter,
      qos: Number(row["qos"]) as QoS,
      noLocal: row["no_local"] === 1,
      retainAsPublished: row["retain_as_published"] === 1,
      retainHandling: Number(row["retain_handling"]) as 0 | 1 | 2,
      identifier: Number(row["identifier"]),
      exclusive,
    });
    if (isShare(filter)) routes.takeOver(memberName(filter, uid), from);
    if (exclusive) routes.takeOver(exclusiveClaim(filter), from);
  }

  #adoptEntries(rows: readonly Row[]): void {
    const { sessions, queueOrders } = this.#ports;
    // Who was touched between two pages, as after a crash, was loaded with a part of its queue.
    for (const uid of new Set(rows.map((row) => Number(row["uid"])))) sessions.forget(uid);
    const generation = rows.reduce((most, { n }) => Math.max(most, generationOf(Number(n))), 0);
    if (queueOrders.reach(generation)) sessions.limitAll();
    // What was stored once is stored once again.
    const messages = new Map<RowValue, { message: Message; recipients: Recipient[] }>();
    for (const row of rows) {
      const { message: key = null } = row;
      const known = messages.get(key) ?? { message: messageOf(row), recipients: [] };
      messages.set(key, known);
      known.recipients.push(recipientOf(row));
    }
    for (const [key, { message, recipients }] of messages) {
      message.storedAs = this.#storedAs.get(key) ?? 0;
      this.#ports.store.append(message, recipients);
      this.#storedAs.set(key, message.storedAs);
    }
  }

  #parts(slots: readonly number[]): Part[] {
    const { sql, closed, records, retained, wills, principals } = this.#ports;
    const uids = records.uidsOf(slots);
    const reads = uids.flatMap((uid) =>
      retained
        .of(uid)
        .map(({ filter, topicShard: shard, after }, i) => ({ key: `${uid} ${i}`, uid, filter, shard, after })),
    );
    // A will outlives its session, if the client was lost through the move.
    const willsOf = new Set([...uids, ...wills.waitingOf(slots)]);
    return [
      partOf("closed", "at", [{ at: closed.at }]),
      partOf("principal_change", "username", principals.all()),
      ...slots.map((slot) => new TablePart(sql, "session", { column: "slot", value: slot, key: ["client_id"] })),
      ...uids.map((uid) => new TablePart(sql, "subscription", { column: "uid", value: uid, key: ["filter"] })),
      ...Array.from(willsOf, (uid) => new TablePart(sql, "will", { column: "uid", value: uid, key: ["client_id"] })),
      partOf("retained_read", "key", reads),
      ...uids.map((uid) => this.#entries(uid)),
    ];
  }

  /** What waits for a session. */
  #entries(uid: number): Part {
    const { store } = this.#ports;
    return {
      table: "entry",
      key: ["n"],
      read: (after, limit) => {
        const entries = store.read(uid, Number(after?.[0] ?? 0), limit);
        const next = entries.length < limit ? null : [entries.at(-1)?.n ?? 0];
        return { rows: entries.map((entry) => entryRow(uid, entry)), next };
      },
    };
  }
}

function entryRow(uid: number, { n, qos, retain, identifiers, share, message }: StoredEntry): Row {
  return {
    uid,
    n,
    qos,
    retain: retain ? 1 : 0,
    identifiers: JSON.stringify(identifiers),
    share,
    message: message.storedAs,
    publisher: message.publisher,
    expires_at: message.expiresAt,
    packet: message.publish.bytes.slice().buffer as ArrayBuffer,
  };
}

function messageOf({ publisher, expires_at, packet }: Row): Message {
  const bytes = new Uint8Array(packet instanceof ArrayBuffer ? packet : new ArrayBuffer(0));
  return new Message(readTrustedPublish(bytes), Number(publisher), Number(expires_at));
}

function recipientOf(row: Row): Recipient {
  return {
    session: Number(row["uid"]),
    n: Number(row["n"]),
    qos: Number(row["qos"]) as QoS,
    retain: row["retain"] === 1,
    identifiers: JSON.parse(String(row["identifiers"])) as number[],
    share: String(row["share"]),
  };
}
