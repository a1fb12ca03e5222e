// The sessions of a shard, connected or not: made, loaded when they are touched, expired, discarded with all that hangs
// on them. Who comes and goes is told by Clients.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { limits } from "../../broker/limits.ts";
import type { Handshakes } from "../../broker/session/handshakes.ts";
import { noHandshakes, readHandshakes } from "../../broker/session/handshakes.ts";
import type { InboundLimits } from "../../broker/session/inbound.ts";
import type { OutboundLimits } from "../../broker/session/outbound.ts";
import { Session } from "../../broker/session/session.ts";
import type { OutboundState } from "../../broker/session/stored-queue.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { ClosedSlots } from "./closed-slots.ts";
import type { LinkAttachment } from "./link-attachment.ts";
import type { Links } from "./links.ts";
import type { QueueOrders } from "./queue-orders.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { SessionRecord, SessionRecords } from "./session-records.ts";
import type { Shares } from "./shares.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Wills } from "./wills.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

/** Each may have a long queue. */
const EXPIRY_BATCH = 100;
/** How soon sessions of closed slots are looked at again. */
const CLOSED_MS = 1_000;
const EMPTY: OutboundState = {
  sentUpTo: 0,
  lastNumber: 0,
  sent: 0,
  queued: 0,
  queuedBytes: 0,
  queuedQos0: 0,
  shared: 0,
  classes: [],
  lastArrival: 0,
};

export interface SessionsPorts {
  links: Links;
  records: SessionRecords;
  store: WriteBehindStore;
  queueOrders: QueueOrders;
  closed: ClosedSlots;
  subscriptions: Subscriptions;
  routes: Routes;
  retained: RetainedReads;
  wills: Wills;
  shares: Shares;
  config(): DeploymentConfig;
  now(): number;
  /** Calls `expire` at that time at the latest. */
  expireAt(at: number): void;
}

export class Sessions {
  readonly #ports: SessionsPorts;
  readonly #offline = new BoundedCache<number, Session>(limits.offlineSessionCache);

  constructor(ports: SessionsPorts) {
    this.#ports = ports;
  }

  /** How many there are. */
  get count(): number {
    const { links, records, closed } = this.#ports;
    links.all();
    return records.count() - records.countOf(closed.others) + links.transient;
  }

  /** The session, connected or not; null if it is no more, or another shard's. */
  find(uid: number): Session | null {
    const { links, records, store, closed } = this.#ports;
    const link = links.byUid(uid);
    if (link !== null) return link.session;
    const cached = this.#offline.get(uid);
    if (cached !== undefined) return closed.hasLeft(cached.clientId) ? null : cached;
    const found = records.findByUid(uid);
    if (found !== null && closed.hasLeft(found.client_id)) return null;
    const record = found === null ? null : this.#offlineNow(found);
    if (record === null) {
      if (found === null) this.discard(uid);
      return null;
    }
    const state = store.state(uid, record.sent_up_to);
    const session = this.#make(uid, record.client_id, state, handshakesOf(record));
    this.#offline.set(uid, session);
    return session;
  }

  /** The uid of a client's session, connected or not; null: it has none. */
  uidOf(clientId: string): number | null {
    const { links, records } = this.#ports;
    return links.byClientId(clientId)?.session.uid ?? records.findByClientId(clientId)?.uid ?? null;
  }

  /** Whether a session outlives its connection, or has none. */
  lasting(uid: number): boolean {
    return this.#ports.links.byUid(uid)?.lasting ?? true;
  }

  /** The record of a client that is not connected; null: it has none, or none any more. */
  offlineRecord(clientId: string): SessionRecord | null {
    const found = this.#ports.records.findByClientId(clientId);
    return found === null ? null : this.#offlineNow(found);
  }

  /** The session of a client that connects now. */
  takeOnline(attachment: LinkAttachment): Session {
    const cached = this.#offline.get(attachment.uid);
    this.#offline.delete(attachment.uid);
    const session = cached ?? this.load(attachment);
    return session;
  }

  /** The settings have changed: the sessions in memory get their bounds. */
  limitAll(): void {
    this.#ports.queueOrders.renew();
    const sessions = [...Array.from(this.#ports.links.all(), ({ session }) => session), ...this.#offline.values()];
    for (const { outbound, inbound } of sessions) {
      outbound.limits = this.#outboundLimits();
      inbound.limits = this.#inboundLimits();
    }
  }

  /** Its client is gone; it was given a record. */
  keepOffline(session: Session): void {
    this.#offline.set(session.uid, session);
  }

  /** A session from what is stored of it. */
  load({ uid, attach, stored, sentUpTo, handshakes }: LinkAttachment): Session {
    const state = stored ? this.#ports.store.state(uid, sentUpTo) : EMPTY;
    if (handshakes !== undefined) return this.#make(uid, attach.clientId, state, readHandshakes(handshakes));
    const record = stored ? this.#ports.records.findByUid(uid) : null;
    return this.#make(uid, attach.clientId, state, handshakesOf(record));
  }

  /** Forgets a session and all that hangs on it. */
  discard(uid: number): void {
    const { subscriptions, routes, retained, store, records, wills } = this.#ports;
    for (const { filter, exclusive } of subscriptions.list(uid)) {
      subscriptions.remove(uid, filter);
      retained.drop(uid, filter);
      routes.released(uid, filter, exclusive);
    }
    store.clear(uid);
    records.remove(uid);
    wills.sessionEnded(uid);
    this.#offline.delete(uid);
  }

  /** Ends what has expired; asks to be called again for the next. What is of closed slots is not this shard's to end. */
  expire(): void {
    const { records, closed, now, expireAt } = this.#ports;
    for (const { uid } of records.expired(now(), EXPIRY_BATCH, closed.all)) this.discard(uid);
    const next = records.nextExpiry();
    if (next === null) return;
    const soonest = next > now() ? next : now() + CLOSED_MS; // Unless it is of a slot that is open.
    expireAt(Math.min(soonest, records.nextExpiry(closed.all) ?? Infinity));
  }

  /** The session is another shard's now: nothing of it is kept here. */
  depart(uid: number): void {
    const { subscriptions, routes, retained, store, records, wills } = this.#ports;
    for (const { filter, exclusive } of subscriptions.list(uid)) {
      subscriptions.remove(uid, filter);
      routes.departed(uid, filter, exclusive);
    }
    retained.departed(uid);
    store.clear(uid);
    records.remove(uid);
    wills.forget(uid);
    this.#offline.delete(uid);
  }

  /** What is stored of a session has become more by itself: what is remembered of it is not true any more. */
  forget(uid: number): void {
    this.#offline.delete(uid);
  }

  /** Sessions said to be connected whose socket died with the object: they are offline since. */
  reconcile(): void {
    const { links, records } = this.#ports;
    for (const uid of records.connectedUids()) {
      if (links.byUid(uid) !== null) continue;
      const record = records.findByUid(uid);
      if (record !== null) this.#offlineNow(record);
    }
  }

  /** The record of a session without a connection; null: it has expired, and was discarded. One that lost its socket
   *  with the object's memory counts as disconnected from now. */
  #offlineNow(record: SessionRecord): SessionRecord | null {
    const { config, records, store, wills, shares, now, expireAt } = this.#ports;
    // Which of the stored messages had been sent is forgotten: those that may have been count as sent.
    const sentUpTo =
      record.disconnected_at === null
        ? Math.max(record.sent_up_to, store.sentUpToAtMost(record.uid, config().settings.inflightMax))
        : record.sent_up_to;
    if (record.disconnected_at === null) {
      shares.lost(record.uid, record.sent_up_to); // Of shares it is known.
      wills.left(record.uid, { sessionExpiryInterval: record.expiry_interval, ours: true });
    } else {
      if (record.expires_at === null || record.expires_at > now() || this.#ports.closed.has(record.slot)) return record;
      this.discard(record.uid);
      return null;
    }
    if (record.expiry_interval === 0) {
      this.discard(record.uid);
      return null;
    }
    const expiresAt = records.disconnected(record.uid, {
      reason: "server_shutdown",
      expiryInterval: record.expiry_interval,
      sentUpTo,
      dropped: 0,
      now: now(),
    });
    if (expiresAt !== null) expireAt(expiresAt);
    return records.findByUid(record.uid);
  }

  #make(uid: number, clientId: string, state: OutboundState, handshakes: Handshakes): Session {
    return new Session({
      uid,
      clientId,
      store: this.#ports.store,
      state,
      limits: this.#outboundLimits(),
      inboundLimits: this.#inboundLimits(),
      handshakes,
    });
  }

  #inboundLimits(): InboundLimits {
    const { awaitingReleaseMax } = this.#ports.config().settings;
    return { receiveMaximum: limits.serverReceiveMaximum, awaitingReleaseMax };
  }

  #outboundLimits(): OutboundLimits {
    const { config, queueOrders } = this.#ports;
    const { inflightMax, queueLengthMax, queueStoreQos0 } = config().settings;
    const { order: queueOrder } = queueOrders;
    return { inflightMax, queueLengthMax, queueStoreQos0, queueOrder, queueBytesMax: limits.sessionQueueBytes };
  }
}

function handshakesOf(record: SessionRecord | null): Handshakes {
  if (record === null || record.handshakes === null) return noHandshakes;
  return readHandshakes(new Uint8Array(record.handshakes));
}
