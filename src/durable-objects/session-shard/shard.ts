// A provisioned session shard: makes its parts and joins them. What happens on links is LinkEvents', what comes from the
// topic shards Deliveries', what the control plane and the deployment's API ask Management's, Intake's and Directory's.

import { limits } from "../../broker/limits.ts";
import type { Effect } from "../../broker/session/effects.ts";
import { claimedFilter } from "../../broker/topics/topic-filter.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import { deploymentObject, topicShardObject } from "../../contracts/object-names.ts";
import type { DeliverReply, NumberedMove } from "../../contracts/rpc.ts";
import { backOffMs } from "../../platform/back-off.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { LazyTimer } from "../../platform/lazy-timer.ts";
import { OverloadWatch } from "../../platform/overload-watch.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import { StreamChannel } from "../../platform/stream-channel.ts";
import { changeRows } from "../../platform/change-rows.ts";
import { endOnFailedWrite, endOnStorageTrouble } from "../../platform/storage-trouble.ts";
import { StreamReceiver } from "../../platform/stream-receiver.ts";
import { StreamWatch } from "../../platform/stream-watch.ts";
import { WhenQuiet } from "../../platform/when-quiet.ts";
import { Clients } from "./clients.ts";
import { ClosedSlots } from "./closed-slots.ts";
import { Deliveries } from "./deliveries.ts";
import { Directory } from "./directory.ts";
import { EffectPerformer } from "./effect-performer.ts";
import { Intake } from "./intake.ts";
import { KeptWills } from "./kept-wills.ts";
import { LinkEvents } from "./link-events.ts";
import { Links } from "./links.ts";
import { Management } from "./management.ts";
import { PrincipalChanges } from "./principal-changes.ts";
import { MemberLoads } from "./member-loads.ts";
import { Origins } from "./origins.ts";
import { Outbox, SETTLED_FLUSH_MS } from "./outbox.ts";
import { Publishes } from "./publishes.ts";
import { QueueOrders } from "./queue-orders.ts";
import { RetainedReads } from "./retained-reads.ts";
import { Routes } from "./routes.ts";
import { SessionRecords } from "./session-records.ts";
import { Shares } from "./shares.ts";
import { Sessions } from "./sessions.ts";
import { SlotMoves } from "./slot-moves.ts";
import { SlotTransfer } from "./slot-transfer.ts";
import { SqlSessionStore } from "./sql-session-store.ts";
import { StorageBound } from "./storage-bound.ts";
import { SubscribeHandler } from "./subscribe.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Sweep } from "./sweep.ts";
import { Wills } from "./wills.ts";
import { WriteBehindStore } from "./write-behind-store.ts";

/** How long the removal of an acknowledged message may wait for company. */
const REMOVED_FLUSH_MS = 50;
/** How soon a shard that has given slots away is woken for what is in its outbox, should it have died. */
const OUTBOX_WAKE_MS = 10_000;

export class Shard {
  readonly events: LinkEvents;
  readonly management: Management;
  readonly intake: Intake;
  readonly directory: Directory;
  readonly moves: SlotMoves;
  readonly transfer: SlotTransfer;
  readonly keptWills = new KeptWills(Date.now);
  readonly #context: DurableObjectState;
  readonly #env: Env;
  readonly #state: ShardState;
  readonly #config: () => DeploymentConfig;
  readonly #deadlines: Deadlines<"expire" | "unroute" | "sweep" | "will" | "outbox" | "pages">;
  /** What the broker asks for in this event; empty between events. */
  readonly #effects: Effect[] = [];
  readonly #performer: EffectPerformer;
  readonly #store: WriteBehindStore;
  readonly #storage: StorageBound;
  readonly #subscriptions: Subscriptions;
  readonly #links: Links;
  readonly #sessions: Sessions;
  readonly #clients: Clients;
  readonly #sweep: Sweep;
  readonly #publishes: Publishes;
  readonly #outbox: Outbox;
  readonly #wills: Wills;
  readonly #routes: Routes;
  readonly #shares: Shares;
  readonly #loads: MemberLoads;
  readonly #retained: RetainedReads;
  readonly #deliveries: Deliveries;
  readonly #streamWatch = new StreamWatch();
  readonly #overload: OverloadWatch;
  #receiver: StreamReceiver | null = null;

  constructor(context: DurableObjectState, env: Env, state: ShardState) {
    this.#context = context;
    this.#env = env;
    this.#state = state;
    this.#config = () => state.config;
    const { sql } = context.storage;
    this.#deadlines = new Deadlines(context.storage, {
      expire: () => this.#sessions.expire(),
      unroute: (filter) => this.#routes.removeIfUnwanted(filter),
      sweep: () => this.#sweep.run(),
      will: (_key, now) => this.#wills.run(now),
      outbox: (_key, now) => {
        if (this.#outbox.messages > 0) this.#deadlines.set("outbox", "", now + OUTBOX_WAKE_MS);
      },
      pages: (_key, now) => {
        if (this.transfer.pages.forgetOthers(state.placement.move)) this.#deadlines.set("pages", "", now);
      },
    });
    this.#store = this.#newStore();
    this.#storage = this.#newStorageBound();
    this.#subscriptions = new Subscriptions(sql);
    this.#publishes = this.#newPublishes();
    this.#outbox = this.#newOutbox();
    this.#routes = this.#newRoutes();
    this.#retained = this.#newRetainedReads();
    this.#links = new Links({
      sockets: (tag) => context.getWebSockets(tag),
      resume: (socket, attachment) => this.#clients.resume(socket, attachment),
    });

    const hasSlot = (slot: number) => state.placement.session.shardOf(slot) === state.index;
    const closed = new ClosedSlots(sql, hasSlot);
    this.#wills = new Wills({
      sql,
      kept: this.keptWills,
      closed: (clientId) => closed.hasClient(clientId),
      now: Date.now,
      take: (publish, publisher) => this.intake.takeWill(publish, publisher),
      dropped: () => this.#performer.dropped.add("outbox_full"),
      runAt: (at) => this.#deadlines.setEarlier("will", "", at),
    });

    this.#shares = new Shares({
      links: this.#links,
      outbox: this.#outbox,
      routes: this.#routes,
      store: this.#store,
      subscriptions: this.#subscriptions,
    });
    this.#loads = new MemberLoads({
      tell: (topicShard, uid, turn, messages) => this.#publishes.load(topicShard, uid, turn, messages),
      outstanding: (uid) => this.#links.byUid(uid)?.session.outbound.outstanding ?? null,
    });

    const overload = new OverloadWatch({
      bounds: limits,
      tell: (what) => deploymentObject(env.DEPLOYMENT, state.deploymentId).overloaded("session", state.index, what),
      now: Date.now,
    });
    this.#overload = overload;

    // Each part takes of these what its ports name.
    const base = {
      sql,
      state,
      closed,
      overload,
      placement: () => state.placement,
      hasSlot,
      slots: () => state.placement.session.slotsOf(state.index),
      config: this.#config,
      now: Date.now,
      expireAt: (at: number) => this.#deadlines.setEarlier("expire", "", at),
      failed: this.#failed,
      effects: this.#effects,
      store: this.#store,
      queueOrders: new QueueOrders(sql, () => state.config.settings),
      storage: this.#storage,
      records: new SessionRecords(sql),
      subscriptions: this.#subscriptions,
      principals: new PrincipalChanges(sql),
      publishes: this.#publishes,
      outbox: this.#outbox,
      wills: this.#wills,
      shares: this.#shares,
      routes: this.#routes,
      retained: this.#retained,
      links: this.#links,
    };
    this.#sessions = new Sessions(base);
    this.#clients = new Clients({ ...base, sessions: this.#sessions, newUid });
    this.intake = new Intake(base);
    const clients = { ...base, sessions: this.#sessions, clients: this.#clients, intake: this.intake };
    this.#performer = new EffectPerformer(clients);
    this.#deliveries = this.#newDeliveries();
    this.#sweep = new Sweep({
      ...clients,
      heartbeatAt: (socket) => context.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0,
      runAt: (at) => this.#deadlines.set("sweep", "", at),
      runAtLatest: (at) => this.#deadlines.setIfUnset("sweep", "", at),
      runSooner: (at) => this.#deadlines.advance("sweep", "", at),
    });
    const subscribe = new SubscribeHandler({
      ...clients,
      subscriptionsMax: () => state.config.limits.subscriptionsPerClientMax,
      settle: () => this.#performer.settle(),
    });
    this.events = new LinkEvents({ ...clients, subscribe, sweep: this.#sweep, performer: this.#performer });
    this.moves = new SlotMoves({
      ...clients,
      performer: this.#performer,
      forgetPages: (move) => {
        if (this.transfer.pages.hasOthers(move)) this.#deadlines.set("pages", "", Date.now());
      },
    });
    this.transfer = new SlotTransfer(clients);
    this.management = new Management({
      ...clients,
      performer: this.#performer,
      moves: this.moves,
      changeRows: (change) => changeRows(context, change),
    });
    this.directory = new Directory(clients);
    this.#routes.recover();
    this.#retained.recover();
    this.#outbox.recover();
    this.#sweep.recover(this.#links.count);
    this.#store.settle();
  }

  /** A batch of a topic shard. */
  deliver(envelope: Uint8Array): Promise<DeliverReply | null> {
    this.#overload.event();
    this.#receiver ??= new StreamReceiver(this.#state.incarnation);
    const publishes = this.#publishes;
    let echoes = false;
    return this.#receiver.receive(
      envelope,
      (header) => {
        echoes = header.answered > 0 && publishes.answered(header.sender, header.answered, header.incarnation);
        return this.#deliveries.receive(envelope, header);
      },
      // What comes of a publish is likely to be followed by another one.
      ({ sender, incarnation, sequence }) => echoes && publishes.answerSoon(sender, incarnation, sequence),
    );
  }

  /** At the end of a call: who asks for a session may meet that it has expired. */
  settle(): void {
    this.#performer.settle();
  }

  /** Whether nothing is under way to the topic shards that are held by the config of this serial, or by a later one. */
  quiet(serial: number): boolean {
    return serialOf(this.#config()) >= serial && this.moves.quiet();
  }

  /** Throws if this is not the move that the config names: a call that comes too late must do nothing. */
  mustMake({ id }: NumberedMove): void {
    if (this.#state.placement.move !== id) throw new Error("another move is made, or none");
  }

  /** A page of what has come of a move is this shard's now. True: it was the last. */
  adopt(move: NumberedMove, pages: number): boolean {
    const page = this.transfer.pages.next(move.id, pages);
    if (page === null) return true;
    changeRows(this.#context, () => {
      this.transfer.adopt(move, page);
      if (page.isLast) this.moves.arrived();
    });
    this.#performer.settle();
    return page.isLast;
  }

  /** What was of a move is another shard's now. Null: nothing is left of it here. */
  release(move: NumberedMove): string | null {
    const { placement, index } = this.#state;
    if (placement.session.hasAny(index, move.slots)) throw new Error("the slots are still this shard's");
    const more = changeRows(this.#context, () => this.transfer.release(move));
    this.#performer.settle();
    // Who comes for what is left here, should it die, if no client does?
    if (this.#outbox.messages > 0) this.#deadlines.setIfUnset("outbox", "", Date.now() + OUTBOX_WAKE_MS);
    return more ? "more" : null;
  }

  async alarm(): Promise<void> {
    this.#wills.recover(this.#links.count);
    await this.#deadlines.run(Date.now());
    this.#performer.settle();
  }

  readonly #failed = (error: unknown): void => endOnStorageTrouble(this.#context, error);

  readonly #writeFailed = (error: unknown): never => endOnFailedWrite(this.#context, error);

  // ---- What is stored -----------------------------------------------------------------------------------------------

  #newStore(): WriteBehindStore {
    const rows = new SqlSessionStore({
      sql: this.#context.storage.sql,
      onRemoved: () => writeRemoved.arm(),
      failed: this.#writeFailed,
    });
    const writeRemoved = new LazyTimer(REMOVED_FLUSH_MS, () => {
      rows.commit();
      return false;
    });
    // Only then can the object sleep.
    const writeKept = new WhenQuiet(limits.keptQueueMs, () => this.#store.flush());
    return new WriteBehindStore({
      sql: rows,
      lasting: (session) => this.#sessions.lasting(session),
      onKept: () => writeKept.touch(),
    });
  }

  #newStorageBound(): StorageBound {
    return new StorageBound({
      sql: this.#context.storage.sql,
      store: this.#store,
      bytesMax: limits.storedBytes,
      effects: this.#effects,
      now: Date.now,
      session: (uid) => this.#sessions.find(uid),
    });
  }

  // ---- To and from the topic shards ---------------------------------------------------------------------------------

  #newPublishes(): Publishes {
    const { deploymentId, index } = this.#state;
    return new Publishes({
      index,
      incarnation: () => this.#state.incarnation,
      placement: () => this.#state.placement,
      channel: (topicShard, onBroken) =>
        new StreamChannel(
          (request) => topicShardObject(this.#env.TOPIC_SHARD, deploymentId, topicShard).fetch(request),
          limits.callTimeoutMs,
          this.#streamWatch,
          onBroken,
        ),
      backOffMs: (attempt) => backOffMs(attempt, Math.random()),
      firstNumber: () => 1 + (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0),
      routes: () => this.#routes,
      retained: () => this.#retained,
      dropped: () => this.#performer.dropped.add("inbound_full"),
      onReplaced: () => this.#context.abort("replaced by a newer incarnation"),
    });
  }

  #newOutbox(): Outbox {
    const flush = new LazyTimer(SETTLED_FLUSH_MS, () => {
      this.#outbox.flush();
      return false;
    });
    return new Outbox({
      sql: this.#context.storage.sql,
      placement: () => this.#state.placement,
      send: (topicShard, message, awaiter) => this.#publishes.publishOnce(topicShard, message, awaiter),
      onSettled: () => flush.arm(),
    });
  }

  #newRoutes(): Routes {
    return new Routes(this.#context.storage.sql, {
      placement: () => this.#state.placement,
      send: (topicShard, request) => this.#publishes.requestRoute(topicShard, request),
      now: Date.now,
      removeLater: (filter, at) => this.#deadlines.set("unroute", filter, at),
      wanted: (filter) => {
        const claimed = claimedFilter(filter);
        if (claimed !== null) return this.#subscriptions.holder(claimed) !== null;
        return this.#subscriptions.wanted(filter) || this.moves.expects(filter);
      },
      memberState: (name) => this.#shares.stateOf(name),
    });
  }

  #newRetainedReads(): RetainedReads {
    return new RetainedReads(this.#context.storage.sql, {
      held: (topicShard) => this.#state.placement.held.has(topicShard),
      send: (topicShard, request) => this.#publishes.requestRetained(topicShard, request),
      room: (session) => this.#sessions.find(session)?.outbound.roomForPage(limits.retainedPageMessages) ?? 0,
      subscription: (session, filter) => this.#subscriptions.find(session, filter),
      publisher: (session) => this.#sessions.find(session)?.publisher,
      failed: this.#failed,
    });
  }

  #newDeliveries(): Deliveries {
    return new Deliveries({
      store: this.#store,
      origins: new Origins(this.#context.storage.sql, this.#writeFailed),
      effects: this.#effects,
      now: Date.now,
      ackDeadlineMs: () => this.#config().settings.ackDeadlineMs,
      match: (topic) => this.#subscriptions.match(topic),
      grantOf: (session, filter) => this.#subscriptions.grantOf(session, filter),
      lasting: (uid) => this.#sessions.lasting(uid),
      session: (uid) => this.#sessions.find(uid),
      routed: (topicShard, first, count, reasonCode) => this.#publishes.routed(topicShard, first, count, reasonCode),
      routeStored: (topicShard, request, accepted) => this.#routes.stored(topicShard, request, accepted),
      turnTaken: (topicShard, uid, turn) => this.#loads.turnTaken(topicShard, uid, turn),
      shares: this.#shares,
      retainedPage: (topicShard, page) => this.#retained.page(topicShard, page),
      settle: () => this.#performer.settle(),
      stored: () => {
        const stored = this.#context.storage.sql.databaseSize;
        this.#storage.keep(stored);
        this.#overload.stored(stored);
      },
      failed: this.#failed,
    });
  }
}

/** A new session's uid: 52 bits that no other session of a deployment has. */
function newUid(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low + 1;
}
