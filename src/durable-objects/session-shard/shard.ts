// A provisioned session shard: composes its parts and turns each event into broker events and their effects.

import { TokenBucket } from "../../broker/access/token-bucket.ts";
import { limits } from "../../broker/limits.ts";
import { readPacket } from "../../broker/mqtt/control-packets.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { forEachPacket } from "../../broker/mqtt/split-packets.ts";
import type { Effect } from "../../broker/session/effects.ts";
import type { InboundPublish } from "../../broker/session/inbound.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { Attach, Refused, Stale } from "../../contracts/link.ts";
import { LINK_HEADER_BYTES, linkClose, readEdgeFrame } from "../../contracts/link.ts";
import { topicShardObject } from "../../contracts/object-names.ts";
import type { ApiMessage, DeliverReply, SessionShardStats } from "../../contracts/rpc.ts";
import { backOffMs } from "../../platform/back-off.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import { StreamChannel } from "../../platform/stream-channel.ts";
import { StreamReceiver } from "../../platform/stream-receiver.ts";
import { WhenQuiet } from "../../platform/when-quiet.ts";
import { ALL_TAG, Clients } from "./clients.ts";
import { Deliveries } from "./deliveries.ts";
import { Directory } from "./directory.ts";
import type { Link, LinkAttachment } from "./link.ts";
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
  readonly #context: DurableObjectState;
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
  readonly #subscribe: SubscribeHandler;
  readonly #principals: PrincipalChanges;
  readonly #deadlines: Deadlines<"expire" | "unroute" | "sweep">;
  #receiver: StreamReceiver | null = null;
  #sweepArmed = false;
  #rate: TokenBucket | null;
  #received = 0;
  #sent = 0;
  #dropped = 0;

  constructor(context: DurableObjectState, env: Env, state: ShardState) {
    this.#context = context;
    this.#state = state;
    const { sql } = context.storage;
    const config = () => state.config;
    let flushing = false;
    const rows = new SqlSessionStore(sql, () => {
      if (flushing) return;
      flushing = true;
      setTimeout(() => {
        flushing = false;
        rows.flush();
      }, REMOVED_FLUSH_MS);
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
      sweep: () => this.#sweep(),
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
    this.#subscribe = new SubscribeHandler({
      clients: this.#clients,
      subscriptions: this.#subscriptions,
      storage: this.#storage,
      routes: this.#routes,
      retained: this.#retained,
      subscriptionsMax: () => config().limits.subscriptionsPerClientMax,
      settle: () => this.#settle(),
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
      settle: () => this.#settle(),
      stored: () => this.#storage.keep(),
    });
    this.directory = new Directory({
      clients: this.#clients,
      records: this.#records,
      subscriptions: this.#subscriptions,
      config,
    });
    this.#rate = this.#newRate();
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
    this.#settle();
    return outcome;
  }

  connected(socket: WebSocket, attachment: LinkAttachment): void {
    this.#clients.connected(socket, attachment);
    this.#armSweep();
    this.#settle();
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
      this.#end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    }
    this.#settle();
    this.#retained.advance(link.session.uid);
  }

  /** A text frame of a link. */
  control(text: string): void {
    this.#dropped += readEdgeFrame(text)?.messages ?? 0;
  }

  linkClosed(socket: WebSocket, code: number): void {
    const link = this.#clients.linkOf(socket);
    if (link === null) return;
    link.close(linkClose.ended, "");
    this.#clients.detach(link, causeOf(code));
    this.#settle();
  }

  // ---- Calls --------------------------------------------------------------------------------------------------------

  /** Takes a newer config into force and tells the links. Returns the version in force. */
  configure(config: DeploymentConfig): number {
    if (this.#state.updateConfig(config)) {
      this.#rate = this.#newRate();
      for (const link of this.#clients.links(true)) link.control({ v: 1, type: "config", config });
      if (config.status === "stopped") this.endAll();
    }
    return this.#state.config.version;
  }

  /** Ends the clients of a user that changed, so that they are judged again. */
  principalChanged(username: string, revision: number, removed: boolean): void {
    this.#principals.add(username, revision, Date.now());
    for (const link of Array.from(this.#clients.links(true))) {
      if (link.attachment.attach.username !== username) continue;
      if (link.attachment.attach.principalRevision >= revision) continue;
      link.control({ v: 1, type: "principal", username, revision });
      if (removed) this.#end(link, reasonCodes.notAuthorized, "the user was removed", "not_authorized");
      else this.#end(link, reasonCodes.administrativeAction, "the user has changed: connect again", "kicked");
    }
    this.#settle();
  }

  deliver(envelope: Uint8Array): Promise<DeliverReply> {
    this.#receiver ??= new StreamReceiver(this.#state.incarnation);
    return this.#receiver.receive(envelope, (header) => {
      if (header.answered > 0) this.#publishes.answered(header.sender, header.answered, header.incarnation);
      return this.#deliveries.receive(envelope, header);
    });
  }

  /** Publishes for the deployment API: resolves to a reason code a message, when they are safe. */
  publish(messages: readonly ApiMessage[]): Promise<number[]> {
    const outcomes = messages.map(({ packet }) => {
      const publish = readTrustedPublish(packet);
      if (!this.#allowed(1)) return reasonCodes.quotaExceeded;
      this.#received += 1;
      return new Promise<number>((resolve) => {
        const taken = this.#publishes.publish(publish.topic, packet, 0, expiryOf(publish), { routed: resolve });
        if (!taken) resolve(reasonCodes.quotaExceeded);
      });
    });
    return Promise.all(outcomes);
  }

  /** Ends a client by order of the deployment's API and discards its session. False: there is none. */
  kick(clientId: string): boolean {
    const link = this.#clients.byClientId(clientId);
    const uid = link?.session.uid ?? this.#records.findByClientId(clientId)?.uid;
    if (uid === undefined) return false;
    if (link !== null) this.#end(link, reasonCodes.administrativeAction, "kicked", "kicked");
    this.#clients.discard(uid);
    this.#settle();
    return true;
  }

  stats(): SessionShardStats {
    return {
      connections: this.#clients.connections,
      sessions: this.#clients.sessions(),
      subscriptions: this.#subscriptions.countAll(),
      queuedMessages: this.#store.queued,
      messagesReceived: this.#received,
      messagesSent: this.#sent,
      messagesDropped: this.#dropped,
    };
  }

  /** Ends every client: the deployment stops or is deleted. */
  endAll(): void {
    for (const link of Array.from(this.#clients.links(true))) {
      this.#end(link, reasonCodes.serverShuttingDown, "the deployment has stopped", "server_shutdown");
    }
    this.#settle();
  }

  async alarm(): Promise<void> {
    await this.#deadlines.run(Date.now());
    this.#settle();
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

  /** Performs the effects of this event and those that they cause, then sends one frame a link. */
  #settle(): void {
    const effects = this.#effects;
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i];
      if (effect === undefined) continue;
      try {
        this.#perform(effect);
      } catch (error) {
        this.#failed(effect.session, error);
      }
    }
    effects.length = 0;
    this.#clients.flush();
  }

  /** A bug of ours ends one client, not the shard. */
  #failed(session: number, error: unknown): void {
    log.error("an effect failed", { error });
    try {
      const link = this.#clients.byUid(session);
      if (link !== null) this.#end(link, reasonCodes.unspecifiedError, "internal error", "internal_error");
    } catch (again) {
      log.error("a client could not be ended", { error: again });
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "send":
        this.#sent += 1;
        this.#clients.byUid(effect.session)?.collect(effect.packet);
        return;
      case "route":
        this.#route(effect.session, effect.publish, effect.inbound);
        return;
      case "end": {
        const link = this.#clients.byUid(effect.session);
        if (link !== null) this.#end(link, effect.reasonCode, effect.reasonString, "protocol_error");
        return;
      }
      case "save":
        this.#clients.byUid(effect.session)?.save();
        return;
      case "drop":
        this.#dropped += 1;
        return;
      default:
        effect satisfies never;
    }
  }

  #route(session: number, publish: Publish, inbound: InboundPublish | null): void {
    this.#received += 1;
    const routed = (reasonCode: number) => inbound?.inbound.routed(inbound, reasonCode, this.#effects);
    const taken =
      this.#allowed(1) &&
      this.#publishes.publish(
        publish.topic,
        publish.bytes,
        session,
        expiryOf(publish),
        inbound === null ? null : { routed },
      );
    if (taken) return;
    if (inbound === null) this.#dropped += 1;
    else routed(reasonCodes.quotaExceeded);
  }

  #end(link: Link, reasonCode: Parameters<Link["end"]>[0], reasonString: string, reason: string): void {
    link.end(reasonCode, reasonString, reason);
    this.#clients.detach(link, reason);
  }

  #sweep(): void {
    const now = Date.now();
    let open = 0;
    for (const link of Array.from(this.#clients.links(true))) {
      const beat = this.#context.getWebSocketAutoResponseTimestamp(link.socket)?.getTime() ?? 0;
      const heard = Math.max(beat, link.attachment.connectedAt);
      if (now - heard <= limits.heartbeatMissedMs) {
        open += 1;
        continue;
      }
      link.close(linkClose.ours, "no heartbeat");
      this.#clients.detach(link, "server_shutdown");
    }
    this.#clients.reconcile();
    this.#principals.forget(now);
    this.#sweepArmed = open > 0;
    if (open > 0) this.#deadlines.set("sweep", "", now + limits.sweepMs);
  }

  /** The sweep runs only while there are links. */
  #armSweep(): void {
    if (this.#sweepArmed) return;
    this.#sweepArmed = true;
    this.#deadlines.setIfUnset("sweep", "", Date.now() + limits.sweepMs);
  }

  #allowed(messages: number): boolean {
    return this.#rate === null || this.#rate.take(messages, Date.now());
  }

  #newRate(): TokenBucket | null {
    const { limits: plan, shards } = this.#state.config;
    if (plan.messagesPerSecond === null) return null;
    const share = plan.messagesPerSecond / shards.session;
    return new TokenBucket({ tokensPerSecond: share, burst: share }, Date.now());
  }
}

/** Epoch milliseconds at which a message expires; 0: never. [MQTT-3.3.2-5] */
function expiryOf(publish: Publish): number {
  if (publish.expiryOffset === 0) return 0;
  const { bytes, expiryOffset } = publish;
  return Date.now() + 1_000 * new DataView(bytes.buffer, bytes.byteOffset).getUint32(expiryOffset);
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
