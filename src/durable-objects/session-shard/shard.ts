// A provisioned session shard: composes its parts and turns each event into broker events and their effects.

import { limits } from "../../broker/limits.ts";
import { readPacket } from "../../broker/mqtt/control-packets.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { forEachPacket } from "../../broker/mqtt/split-packets.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { Attach, Refused, Stale } from "../../contracts/link.ts";
import { LINK_HEADER_BYTES, linkClose, readEdgeFrame } from "../../contracts/link.ts";
import { topicShardObject } from "../../contracts/object-names.ts";
import type { DeliverReply } from "../../contracts/rpc.ts";
import { backOffMs } from "../../platform/back-off.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { LazyTimer } from "../../platform/lazy-timer.ts";
import { log } from "../../platform/log.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import { StreamChannel } from "../../platform/stream-channel.ts";
import { StreamReceiver } from "../../platform/stream-receiver.ts";
import { WhenQuiet } from "../../platform/when-quiet.ts";
import { ALL_TAG, Clients } from "./clients.ts";
import { Deliveries } from "./deliveries.ts";
import { Directory } from "./directory.ts";
import { LinkSweep } from "./link-sweep.ts";
import type { Link, LinkAttachment } from "./link.ts";
import { Management } from "./management.ts";
import { Performer } from "./performer.ts";
import { PrincipalChanges } from "./principal-changes.ts";
import { Publishes } from "./publishes.ts";
import { RetainedReads } from "./retained-reads.ts";
import { Routes } from "./routes.ts";
import { SessionRecords } from "./session-records.ts";
import { SqlSessionStore } from "./sql-session-store.ts";
import { StorageBound } from "./storage-bound.ts";
import { SubscribeHandler } from "./subscribe.ts";
import { Subscriptions } from "./subscriptions.ts";
import { WriteBehindStore } from "./write-behind-store.ts";

const PUBLISH = 3;
/** How long the removal of an acknowledged message may wait for company. */
const REMOVED_FLUSH_MS = 50;

export class Shard {
  readonly directory: Directory;
  readonly management: Management;
  readonly #state: ShardState;
  readonly #effects: Effect[] = [];
  readonly #clients: Clients;
  readonly #records: SessionRecords;
  readonly #store: WriteBehindStore;
  readonly #storage: StorageBound;
  readonly #subscriptions: Subscriptions;
  readonly #routes: Routes;
  readonly #retained: RetainedReads;
  readonly #publishes: Publishes;
  readonly #deliveries: Deliveries;
  readonly #performer: Performer;
  readonly #sweep: LinkSweep;
  readonly #subscribe: SubscribeHandler;
  readonly #principals: PrincipalChanges;
  readonly #deadlines: Deadlines<"expire" | "unroute" | "sweep">;
  #receiver: StreamReceiver | null = null;

  constructor(context: DurableObjectState, env: Env, state: ShardState) {
    this.#state = state;
    const { sql } = context.storage;
    const config = () => state.config;
    const rows = new SqlSessionStore(sql, () => writeRemoved.arm());
    const writeRemoved = new LazyTimer(REMOVED_FLUSH_MS, () => {
      rows.flush();
      return false;
    });
    this.#store = new WriteBehindStore({
      sql: rows,
      lasting: (session) => this.#clients.lasting(session),
      onKept: () => writeKept.touch(),
    });
    // Only then can the object sleep.
    const writeKept = new WhenQuiet(limits.keptQueueMs, () => this.#store.flush());
    this.#records = new SessionRecords(sql);
    this.#subscriptions = new Subscriptions(sql);
    this.#principals = new PrincipalChanges(sql);
    this.#deadlines = new Deadlines(context.storage, {
      expire: () => this.#clients.expire(),
      unroute: (filter) => this.#routes.removeIfUnwanted(filter),
      sweep: () => {
        this.#sweep.run();
        this.#principals.forget(Date.now());
      },
    });
    this.#publishes = new Publishes({
      index: state.index,
      incarnation: () => state.incarnation,
      topicShards: () => config().shards.topic,
      channel: (topicShard) =>
        new StreamChannel(
          (request) => topicShardObject(env.TOPIC_SHARD, state.deploymentId, topicShard).fetch(request),
          limits.callTimeoutMs,
        ),
      backOffMs: (attempt) => backOffMs(attempt, Math.random()),
      routes: () => this.#routes,
      retained: () => this.#retained,
      onReplaced: () => context.abort("replaced by a newer incarnation"),
    });
    this.#routes = new Routes(sql, {
      topicShards: () => config().shards.topic,
      send: (topicShard, request) => this.#publishes.requestRoute(topicShard, request),
      now: Date.now,
      removeLater: (filter, at) => this.#deadlines.set("unroute", filter, at),
      wanted: (filter) => this.#subscriptions.wanted(filter),
    });
    this.#retained = new RetainedReads(sql, {
      send: (topicShard, request) => this.#publishes.requestRetained(topicShard, request),
      room: (session) => this.#clients.session(session)?.outbound.roomForPage(limits.retainedPageMessages) ?? 0,
      subscribed: (session, filter) => this.#subscriptions.find(session, filter) !== null,
    });
    this.#storage = new StorageBound({
      sql,
      bytesMax: limits.storedBytes,
      effects: this.#effects,
      now: Date.now,
      session: (uid) => this.#clients.session(uid),
    });
    this.#clients = new Clients(
      {
        records: this.#records,
        store: this.#store,
        subscriptions: this.#subscriptions,
        storage: this.#storage,
        routes: this.#routes,
        retained: this.#retained,
        effects: this.#effects,
        config,
        now: Date.now,
        newUid: randomUid,
        sockets: (tag) => context.getWebSockets(tag),
        expireAt: (at) => this.#deadlines.setEarlier("expire", "", at),
      },
      context.getWebSockets(ALL_TAG).length,
    );
    this.#performer = new Performer({
      effects: this.#effects,
      clients: this.#clients,
      publishes: this.#publishes,
      config,
    });
    this.#sweep = new LinkSweep({
      clients: this.#clients,
      beatAt: (socket) => context.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0,
      sweepAt: (at, again) => {
        if (again) this.#deadlines.set("sweep", "", at);
        else this.#deadlines.setIfUnset("sweep", "", at);
      },
    });
    this.#subscribe = new SubscribeHandler({
      clients: this.#clients,
      subscriptions: this.#subscriptions,
      storage: this.#storage,
      routes: this.#routes,
      retained: this.#retained,
      subscriptionsMax: () => config().limits.subscriptionsPerClientMax,
      settle: () => this.#performer.settle(),
    });
    this.#deliveries = new Deliveries({
      store: this.#store,
      effects: this.#effects,
      now: Date.now,
      ackDeadlineMs: () => config().settings.ackDeadlineMs,
      match: (topic) => this.#subscriptions.match(topic),
      grantOf: (session, filter) => this.#subscriptions.grantOf(session, filter),
      lasting: (uid) => this.#clients.lasting(uid),
      session: (uid) => this.#clients.session(uid),
      routed: (topicShard, first, count, reasonCode) => this.#publishes.routed(topicShard, first, count, reasonCode),
      routeStored: (topicShard, request, accepted) => this.#routes.stored(topicShard, request, accepted),
      retainedPage: (topicShard, page) => this.#retained.page(topicShard, page),
      settle: () => this.#performer.settle(),
      stored: () => this.#storage.keep(),
    });
    this.directory = new Directory({
      clients: this.#clients,
      records: this.#records,
      subscriptions: this.#subscriptions,
      config,
    });
    this.management = new Management({
      state,
      clients: this.#clients,
      records: this.#records,
      store: this.#store,
      subscriptions: this.#subscriptions,
      principals: this.#principals,
      performer: this.#performer,
    });
    this.#routes.recover();
    this.#retained.recover();
  }

  // ---- Links --------------------------------------------------------------------------------------------------------

  /** What the edge must learn before its judgement counts; null: it knows enough. */
  stale({ configVersion, principalRevision, username }: Attach): Stale | null {
    const { config } = this.#state;
    if (configVersion < config.version) return { v: 1, config };
    const changed = username === null ? 0 : this.#principals.revisionOf(username);
    return principalRevision < changed ? { v: 1 } : null;
  }

  attach(attach: Attach): ReturnType<Clients["attach"]> | Refused {
    if (this.#state.config.status !== "running") {
      return { v: 1, reasonCode: reasonCodes.serverUnavailable, reasonString: "the deployment is stopped" };
    }
    const outcome = this.#clients.attach(attach);
    this.#performer.settle();
    return outcome;
  }

  connected(socket: WebSocket, attachment: LinkAttachment): void {
    this.#clients.connected(socket, attachment);
    this.#sweep.arm();
    this.#performer.settle();
    this.#retained.advance(attachment.uid);
  }

  /** A frame of a link. What fails here ends that client alone. */
  frame(socket: WebSocket, frame: Uint8Array): void {
    const link = this.#clients.linkOf(socket);
    if (link === null) return;
    try {
      const unblocked = link.received(frame);
      if (unblocked) link.session.handle({ type: "credit", available: true }, Date.now(), this.#effects);
      forEachPacket(frame, LINK_HEADER_BYTES, (packet) => this.#packet(link, packet));
    } catch (error) {
      log.error("a client's frame failed", { error: String(error) });
      this.#performer.end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    }
    this.#performer.settle();
    this.#retained.advance(link.session.uid);
  }

  /** A text frame of a link. */
  control(text: string): void {
    this.#performer.counts.dropped += readEdgeFrame(text)?.messages ?? 0;
  }

  linkClosed(socket: WebSocket, code: number): void {
    const link = this.#clients.linkOf(socket);
    if (link === null) return;
    link.close(linkClose.ended, "");
    this.#clients.detach(link, causeOf(code));
    this.#performer.settle();
  }

  // ---- Calls --------------------------------------------------------------------------------------------------------

  deliver(envelope: Uint8Array): Promise<DeliverReply> {
    this.#receiver ??= new StreamReceiver(this.#state.incarnation);
    return this.#receiver.receive(envelope, (header) => {
      if (header.answered > 0) this.#publishes.answered(header.sender, header.answered, header.incarnation);
      return this.#deliveries.receive(envelope, header);
    });
  }

  async alarm(): Promise<void> {
    await this.#deadlines.run(Date.now());
    this.#performer.settle();
  }

  // ---- Inside -------------------------------------------------------------------------------------------------------

  #packet(link: Link, bytes: Uint8Array): void {
    const { session } = link;
    const now = Date.now();
    if ((bytes[0] ?? 0) >> 4 === PUBLISH) {
      session.handle({ type: "publish", publish: readTrustedPublish(bytes) }, now, this.#effects);
      return;
    }
    const packet = readPacket(bytes, 5);
    switch (packet.type) {
      case "puback":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
        session.handle({ type: "acknowledgement", packet }, now, this.#effects);
        return;
      case "subscribe":
        this.#subscribe.subscribe(link, packet);
        return;
      case "unsubscribe":
        this.#subscribe.unsubscribe(link, packet);
        return;
      case "disconnect":
        link.farewell = {
          reason: packet.reasonCode === 0 ? "normal" : "closed",
          sessionExpiryInterval: packet.sessionExpiryInterval,
        };
        return;
      case "connect":
      case "publish":
      case "pingreq":
      case "auth":
        throw new TypeError(`the edge sent ${packet.type}`);
      default:
        packet satisfies never;
    }
  }
}

function causeOf(code: number): string {
  switch (code) {
    case linkClose.deviceGone:
      return "closed";
    case linkClose.keepAlive:
      return "keepalive_timeout";
    case linkClose.fault:
      return "protocol_error";
    default:
      return "server_shutdown";
  }
}

/** A new session's uid: 52 random bits, so that no two sessions of a deployment share one. */
function randomUid(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low + 1;
}
