// The sessions of a shard, connected or not: loaded when they are touched, taken over, ended, expired, discarded.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { limits } from "../../broker/limits.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { OutboundLimits } from "../../broker/session/outbound.ts";
import { Session } from "../../broker/session/session.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { Attach, Refused } from "../../contracts/link.ts";
import type { LinkAttachment } from "./link.ts";
import { Link } from "./link.ts";
import type { RetainedReads } from "./retained-reads.ts";
import type { Routes } from "./routes.ts";
import type { SessionRecord, SessionRecords } from "./session-records.ts";
import type { StorageBound } from "./storage-bound.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { WriteBehindStore } from "./write-behind-store.ts";

const EXPIRY_BATCH = 100;
const TAG_LENGTH_MAX = 200;
const EMPTY = { sentUpTo: 0, lastNumber: 0, sent: 0, queued: 0, queuedBytes: 0, queuedQos0: 0 };

export interface ClientPorts {
  records: SessionRecords;
  store: WriteBehindStore;
  subscriptions: Subscriptions;
  storage: StorageBound;
  routes: Routes;
  retained: RetainedReads;
  effects: Effect[];
  config(): DeploymentConfig;
  now(): number;
  newUid(): number;
  /** The open sockets that carry this tag. */
  sockets(tag: string): WebSocket[];
  /** Calls `expire` at that time at the latest. */
  expireAt(at: number): void;
}

export class Clients {
  readonly #ports: ClientPorts;
  readonly #links = new Map<number, Link>();
  readonly #byClientId = new Map<string, Link>();
  /** Null: it was ended before the object lost its memory. */
  readonly #bySocket = new WeakMap<WebSocket, Link | null>();
  readonly #dirty: Link[] = [];
  readonly #offline = new BoundedCache<number, Session>(limits.offlineSessionCache);
  /** Sockets of before the object lost its memory that were not met yet. */
  #unmet: number;
  /** Connected clients whose session has no row. */
  #transient = 0;

  constructor(ports: ClientPorts, openSockets: number) {
    this.#ports = ports;
    this.#unmet = openSockets;
  }

  /** Connected clients. */
  get connections(): number {
    return this.#links.size + this.#unmet;
  }

  /** Sends what was collected for each client in this event, as one frame a link. */
  flush(): void {
    for (const link of this.#dirty) link.flush();
    this.#dirty.length = 0;
  }

  /** Links that were met since the object woke; `all` meets the rest first. */
  links(all: boolean): Iterable<Link> {
    if (all && this.#unmet > 0) {
      for (const socket of this.#ports.sockets(ALL_TAG)) this.linkOf(socket);
      this.#unmet = 0;
    }
    return this.#links.values();
  }

  /** The link of an open socket; null if it was ended. */
  linkOf(socket: WebSocket): Link | null {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known === null || known.closed ? null : known;
    if (this.#unmet > 0) this.#unmet -= 1;
    const attachment = socket.deserializeAttachment() as LinkAttachment | null;
    if (attachment === null) {
      this.#bySocket.set(socket, null);
      return null;
    }
    const { store } = this.#ports;
    const state = attachment.stored ? store.state(attachment.uid, attachment.sentUpTo) : EMPTY;
    const session = this.#newSession(attachment.uid, attachment.attach.clientId, state);
    const link = new Link(socket, attachment, session, this.#dirty, true);
    this.#register(link);
    const { attach: client, cursor = attachment.sentUpTo } = attachment;
    session.handle({ type: "resumed", client, cursor }, this.#ports.now(), this.#ports.effects);
    return link;
  }

  byUid(uid: number): Link | null {
    return this.#links.get(uid) ?? this.#meet(uidTag(uid), (link) => link.session.uid === uid);
  }

  /** Whether a session outlives its connection, or has none. */
  lasting(uid: number): boolean {
    return this.byUid(uid)?.lasting ?? true;
  }

  byClientId(clientId: string): Link | null {
    const known = this.#byClientId.get(clientId);
    return known ?? this.#meet(clientTag(clientId), (link) => link.attachment.attach.clientId === clientId);
  }

  /** The session, connected or not; null if it is no more. */
  session(uid: number): Session | null {
    const link = this.byUid(uid);
    if (link !== null) return link.session;
    const cached = this.#offline.get(uid);
    if (cached !== undefined) return cached;
    const found = this.#ports.records.findByUid(uid);
    const record = found === null ? null : this.#offlineNow(found);
    if (record === null) {
      if (found === null) this.discard(uid);
      return null;
    }
    const state = this.#ports.store.state(uid, record.sent_up_to);
    const session = this.#newSession(uid, record.client_id, state);
    this.#offline.set(uid, session);
    return session;
  }

  /** Judges a client and finds or makes its session. A client of the same id is taken over. */
  attach(attach: Attach): Refused | { sessionPresent: boolean; attachment: LinkAttachment; tags: string[] } {
    const { records, config, now, newUid } = this.#ports;
    const rival = this.byClientId(attach.clientId);
    if (rival !== null) {
      // [MQTT-3.1.4-3]
      rival.end(reasonCodes.sessionTakenOver, "another client took over", "takenover");
      this.detach(rival, "takenover");
    }
    if (this.connections >= limits.connectionsPerShard) {
      return { v: 1, reasonCode: reasonCodes.serverBusy, reasonString: "no room for more connections" };
    }
    const found = records.findByClientId(attach.clientId);
    let record = found === null ? null : this.#offlineNow(found);
    if (record !== null && attach.cleanStart) {
      this.discard(record.uid); // [MQTT-3.1.2-4]
      record = null;
    }
    const { sessionsMax } = config().limits;
    if (
      record === null &&
      sessionsMax !== null &&
      this.sessions() >= Math.ceil(sessionsMax / config().shards.session)
    ) {
      return { v: 1, reasonCode: reasonCodes.quotaExceeded, reasonString: `more than ${sessionsMax} sessions` };
    }
    if (record === null && attach.sessionExpiryInterval > 0 && this.#ports.storage.full) {
      return { v: 1, reasonCode: reasonCodes.quotaExceeded, reasonString: "no room for another session" };
    }
    const at = now();
    const attachment: LinkAttachment = {
      v: 1,
      uid: record?.uid ?? newUid(),
      attach,
      connectedAt: at,
      createdAt: record?.created_at ?? at,
      stored: record !== null || attach.sessionExpiryInterval > 0,
      sentUpTo: record?.sent_up_to ?? 0,
    };
    if (attachment.stored) records.connected(attachment, record !== null);
    const tags = [ALL_TAG, uidTag(attachment.uid), clientTag(attach.clientId)];
    return { sessionPresent: record !== null, attachment, tags };
  }

  /** The socket of an attached client is open: what waits for it is sent. */
  connected(socket: WebSocket, attachment: LinkAttachment): Link {
    const { store, now, effects } = this.#ports;
    const cached = this.#offline.get(attachment.uid);
    this.#offline.delete(attachment.uid);
    const state = attachment.stored ? store.state(attachment.uid, attachment.sentUpTo) : EMPTY;
    const session = cached ?? this.#newSession(attachment.uid, attachment.attach.clientId, state);
    session.outbound.limits = this.#outboundLimits();
    const link = new Link(socket, attachment, session, this.#dirty, false);
    this.#register(link);
    session.handle({ type: "connected", client: attachment.attach }, now(), effects);
    link.save();
    return link;
  }

  /** A transient session got something to keep. */
  store(link: Link): void {
    if (link.attachment.stored) return;
    link.attachment.stored = true;
    this.#transient -= 1;
    this.#ports.records.connected(link.attachment, false);
    link.save();
  }

  /** The client is gone: its session waits, or ends with the connection. */
  detach(link: Link, cause: string): void {
    const { session, attachment, farewell } = link;
    if (this.#links.get(session.uid) !== link) return;
    this.#links.delete(session.uid);
    this.#byClientId.delete(attachment.attach.clientId);
    if (!attachment.stored) this.#transient -= 1;
    const expiryInterval = farewell?.sessionExpiryInterval ?? attachment.attach.sessionExpiryInterval;
    const keep = expiryInterval > 0;
    const now = this.#ports.now();
    session.handle({ type: "disconnected", keep }, now, this.#ports.effects);
    if (!keep) {
      if (attachment.stored) this.discard(session.uid);
      return;
    }
    if (!attachment.stored) this.#ports.records.connected(attachment, false);
    this.#offline.set(session.uid, session);
    const { sentUpTo, dropped } = session.outbound;
    const reason = farewell?.reason ?? cause;
    const expiresAt = this.#ports.records.disconnected(session.uid, { reason, expiryInterval, sentUpTo, dropped, now });
    session.outbound.dropped = 0;
    if (expiresAt !== null) this.#ports.expireAt(expiresAt);
  }

  /** Forgets a session and all that hangs on it. */
  discard(uid: number): void {
    const { subscriptions, routes, retained, store, records } = this.#ports;
    for (const { filter } of subscriptions.list(uid)) {
      subscriptions.remove(uid, filter);
      retained.drop(uid, filter);
      routes.released(filter);
    }
    store.clear(uid);
    records.remove(uid);
    this.#offline.delete(uid);
  }

  /** Ends what has expired; asks to be called again for the next. */
  expire(): void {
    const { records, now, expireAt } = this.#ports;
    for (const { uid } of records.expired(now(), EXPIRY_BATCH)) this.discard(uid);
    const next = records.nextExpiry();
    if (next !== null) expireAt(next);
  }

  /** Sessions, with or without a connection. */
  sessions(): number {
    this.links(true);
    return this.#ports.records.count() + this.#transient;
  }

  /** Sessions said to be connected whose socket died with the object: they are offline since. */
  reconcile(): void {
    for (const uid of this.#ports.records.connectedUids()) {
      if (this.byUid(uid) !== null) continue;
      const record = this.#ports.records.findByUid(uid);
      if (record !== null) this.#offlineNow(record);
    }
  }

  /** The record of a session without a connection; null: it has expired, and was discarded. One that lost its socket
   *  with the object's memory counts as disconnected from now. */
  #offlineNow(record: SessionRecord): SessionRecord | null {
    const { records, store, now, expireAt } = this.#ports;
    if (record.disconnected_at !== null) {
      if (record.expires_at === null || record.expires_at > now()) return record;
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
      // Which of the stored messages had been sent is forgotten: any of them may have been.
      sentUpTo: Math.max(record.sent_up_to, store.state(record.uid, 0).lastNumber),
      dropped: 0,
      now: now(),
    });
    if (expiresAt !== null) expireAt(expiresAt);
    return records.findByUid(record.uid);
  }

  #meet(tag: string, is: (link: Link) => boolean): Link | null {
    if (this.#unmet === 0) return null;
    for (const socket of this.#ports.sockets(tag)) {
      const link = this.linkOf(socket);
      if (link !== null && is(link)) return link;
    }
    return null;
  }

  #register(link: Link): void {
    this.#links.set(link.session.uid, link);
    this.#byClientId.set(link.attachment.attach.clientId, link);
    this.#bySocket.set(link.socket, link);
    if (!link.attachment.stored) this.#transient += 1;
  }

  #newSession(uid: number, clientId: string, state: typeof EMPTY): Session {
    return new Session({
      uid,
      clientId,
      store: this.#ports.store,
      state,
      limits: this.#outboundLimits(),
      serverReceiveMaximum: limits.serverReceiveMaximum,
    });
  }

  #outboundLimits(): OutboundLimits {
    const { inflightMax, queueLengthMax, queueStoreQos0 } = this.#ports.config().settings;
    return { inflightMax, queueLengthMax, queueStoreQos0, queueBytesMax: limits.sessionQueueBytes };
  }
}

/** Tag of every link. */
export const ALL_TAG = "link";

function uidTag(uid: number): string {
  return `u${uid}`;
}

/** A tag has a bound of its own; longer client ids share one and are told apart by the attachment. */
function clientTag(clientId: string): string {
  return `c${clientId.slice(0, TAG_LENGTH_MAX)}`;
}
