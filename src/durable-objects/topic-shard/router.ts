// A provisioned topic shard: takes the streams of the session shards, keeps routes and retained messages, and gives each
// message once to every session shard that wants it.

import { limits } from "../../broker/limits.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { MemberName, Share } from "../../broker/topics/share.ts";
import { parseMemberName, parseShare } from "../../broker/topics/share.ts";
import { SLOTS } from "../../broker/topics/slots.ts";
import { claimedFilter } from "../../broker/topics/topic-filter.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { EntryVisitor, RouteRequest } from "../../contracts/envelope.ts";
import { visitEntries } from "../../contracts/envelope-reader.ts";
import { deploymentObject, sessionShardObject } from "../../contracts/object-names.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import type { DeliverReply, NumberedMove, TopicShardStats } from "../../contracts/rpc.ts";
import { backOffMs } from "../../platform/back-off.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import { OverloadWatch } from "../../platform/overload-watch.ts";
import type { ShardState } from "../../platform/shard-state.ts";
import { StreamChannel } from "../../platform/stream-channel.ts";
import { changeRows } from "../../platform/change-rows.ts";
import { endOnStorageTrouble } from "../../platform/storage-trouble.ts";
import { StreamReceiver } from "../../platform/stream-receiver.ts";
import { StreamWatch } from "../../platform/stream-watch.ts";
import { Claims } from "./claims.ts";
import { Groups } from "./groups.ts";
import { Outbox } from "./outbox.ts";
import { RetainedReads } from "./retained-reads.ts";
import type { RetainedMessage } from "./retained-store.ts";
import { RetainedStore } from "./retained-store.ts";
import { RouteTable } from "./route-table.ts";
import type { Routed, SafetyAwaiter } from "./session-stream.ts";
import { SessionStream } from "./session-stream.ts";
import { SlotTransfer } from "./slot-transfer.ts";

/** How soon an object with something in its outbox is woken, should it have died. */
const OUTBOX_WAKE_MS = 10_000;

/** Awaits the safety of one message with all session shards that want it. */
class Outcome implements SafetyAwaiter {
  readonly #routed: (reasonCode: number) => void;
  #waiting: number;
  #reasonCode: number = reasonCodes.success;

  constructor(waiting: number, routed: (reasonCode: number) => void) {
    this.#waiting = waiting;
    this.#routed = routed;
  }

  safe(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#routed(this.#reasonCode);
  }

  refused(): void {
    this.#reasonCode = reasonCodes.quotaExceeded;
    this.safe();
  }
}

export class Router {
  readonly transfer: SlotTransfer;
  readonly #env: Env;
  readonly #context: DurableObjectState;
  readonly #state: ShardState;
  readonly #routes: RouteTable;
  readonly #claims: Claims;
  readonly #groups: Groups;
  readonly #retained: RetainedStore;
  readonly #reads: RetainedReads;
  readonly #outbox: Outbox;
  readonly #deadlines: Deadlines<"outbox" | "pages">;
  readonly #streamWatch = new StreamWatch();
  readonly #overload: OverloadWatch;
  readonly #streams = new Map<number, SessionStream>();
  #receiver: StreamReceiver | null = null;

  constructor(context: DurableObjectState, env: Env, state: ShardState) {
    this.#env = env;
    this.#context = context;
    this.#state = state;
    this.#routes = new RouteTable(context.storage.sql);
    this.#claims = new Claims(context.storage.sql);
    this.#retained = new RetainedStore(context.storage.sql);
    this.#reads = new RetainedReads(this.#retained, Date.now);
    this.#outbox = new Outbox(context.storage.sql);
    this.#groups = new Groups({
      sql: context.storage.sql,
      settings: () => state.config.settings,
      stream: (shard) => this.#stream(shard),
      full: () => this.#full,
      outboxFull: () => this.#outbox.full,
    });
    this.transfer = new SlotTransfer({
      sql: context.storage.sql,
      routes: this.#routes,
      groups: this.#groups,
      retained: this.#retained,
      slots: () => state.placement.topic.slotsOf(state.index),
      hasSlots: (shard) => state.placement.topic.sizes.has(shard),
    });
    this.#deadlines = new Deadlines(context.storage, {
      outbox: () => this.#awaitOutbox(),
      pages: (_key, now) => {
        if (this.transfer.pages.forgetOthers(state.placement.move)) this.#deadlines.set("pages", "", now);
      },
    });
    this.#overload = new OverloadWatch({
      bounds: limits,
      tell: (what) => deploymentObject(env.DEPLOYMENT, state.deploymentId).overloaded("topic", state.index, what),
      now: Date.now,
    });
    for (const shard of this.#outbox.shards()) this.#stream(shard).resume();
  }

  /** Returns the serial of the config in force. */
  configure(config: DeploymentConfig): number {
    const newer = this.#state.updateConfig(config);
    // What has come of a move that was given up.
    if (newer && this.transfer.pages.hasOthers(this.#state.placement.move)) {
      this.#deadlines.set("pages", "", Date.now());
    }
    return serialOf(this.#state.config);
  }

  /** Throws if this is not the move that the config names: a call that comes too late must do nothing. */
  mustMake({ id }: NumberedMove): void {
    if (this.#state.placement.move !== id) throw new Error("another move is made, or none");
  }

  /** See MovingShardRpc. */
  adopt(move: NumberedMove, pages: number): boolean {
    const page = this.transfer.pages.next(move.id, pages);
    if (page === null) return true;
    const adopted = changeRows(this.#context, () => this.transfer.adopt(move, page));
    this.#settle();
    return adopted && page.isLast;
  }

  /** See MovingShardRpc. */
  release(move: NumberedMove, from: string): string | null {
    const { placement, index } = this.#state;
    if (placement.topic.hasAny(index, move.slots)) throw new Error("the slots are still this shard's");
    return changeRows(this.#context, () => this.transfer.release(move, from));
  }

  /** Whether nothing is under way to a session shard, or to any (null). */
  delivered(sessionShard: number | null): boolean {
    this.#settle();
    if (sessionShard === null) {
      return this.#outbox.messages === 0 && Array.from(this.#streams.values()).every(({ idle }) => idle);
    }
    return !this.#outbox.has(sessionShard) && (this.#streams.get(sessionShard)?.idle ?? true);
  }

  /** Null: the answer travels along with what the batch has caused. */
  async deliver(envelope: Uint8Array): Promise<DeliverReply | null> {
    this.#receiver ??= new StreamReceiver(this.#state.incarnation);
    this.#overload.event();
    return this.#receiver.receive(
      envelope,
      ({ sender, incarnation, answered }) => {
        if (answered > 0) this.#stream(sender).answered(answered, incarnation);
        try {
          this.#apply(sender, envelope);
          this.#settle();
        } catch (error) {
          endOnStorageTrouble(this.#context, error);
          throw error;
        }
        return undefined;
      },
      ({ sender, incarnation, sequence }) => this.#stream(sender).answer(incarnation, sequence),
    );
  }

  stats(): TopicShardStats {
    let { dropped } = this.#groups;
    for (const stream of this.#streams.values()) dropped += stream.dropped;
    return { topics: this.#routes.count(), retained: this.#retained.count, outbox: this.#outbox.messages, dropped };
  }

  async alarm(): Promise<void> {
    await this.#deadlines.run(Date.now());
  }

  #apply(sender: number, envelope: Uint8Array): void {
    const visitor: EntryVisitor = {
      publish: (number, publisher, expiresAt, packet) =>
        this.#guarded(sender, number, { publisher, expiresAt, packet, origin: null, member: null }, null),
      publishOnce: (sequence, number, publisher, expiresAt, packet) =>
        this.#guarded(
          sender,
          number,
          { publisher, expiresAt, packet, origin: { shard: sender, sequence }, member: null },
          null,
        ),
      returned: (sequence, name, number, publisher, expiresAt, packet) => {
        // Whatever its QoS it is given once: each copy may come back, and copies of copies would have no end.
        const origin = { shard: sender, sequence };
        this.#guarded(sender, number, { publisher, expiresAt, packet, origin, member: null }, parseShare(name));
      },
      load: (uid, turn, messages) => this.#groups.load(uid, turn, messages),
      routeRequest: (request) => this.#route(sender, request),
      retainedRequest: (request) => this.#reads.next(this.#stream(sender), request),
    };
    visitEntries(envelope, visitor);
  }

  /** A bug of ours costs this message, and its publisher learns it. `share`: the message goes to that group alone. */
  #guarded(sender: number, number: number, message: Routed, share: Share | null): void {
    try {
      if (share === null) this.#publish(sender, number, message);
      else this.#regroup(sender, number, message, share);
    } catch (error) {
      endOnStorageTrouble(this.#context, error);
      log.error("a publish failed", { error: String(error) });
      if (number !== 0) this.#stream(sender).routed(number, reasonCodes.unspecifiedError);
    }
  }

  /** Stores a retained message and fans the message out, in one event. */
  #publish(sender: number, number: number, message: Routed): void {
    const { packet, origin } = message;
    const publish = readTrustedPublish(packet);
    const { topic } = publish;
    this.#reads.before(topic);
    const routed = (reasonCode: number) => this.#stream(sender).routed(number, reasonCode);
    const retained = !publish.retain || this.#retain({ topic, ...message }, packet.length === publish.payloadOffset);
    if (!retained && origin === null) {
      if (number !== 0) routed(reasonCodes.quotaExceeded);
      return;
    }
    // One that was taken already goes to who subscribes all the same.
    const shards = this.#routes.match(topic);
    const shares = this.#groups.match(topic);
    if (shards.length === 0 && shares.length === 0) {
      if (number !== 0) routed(reasonCodes.noMatchingSubscribers);
      return;
    }
    const own = number !== 0 && origin === null && shards.length === 1 && shards[0] === sender && shares.length === 0;
    if (own && this.#stream(sender).ownMessage(number, message)) return;
    const awaiter = number === 0 ? null : new Outcome(shards.length + shares.length, routed);
    for (const shard of shards) this.#stream(shard).message(awaiter, message);
    if (shares.length === 0) return;
    const repeated = origin !== null && this.#groups.repeated(origin);
    for (const share of shares) {
      if (repeated || !this.#groups.give(share, message, awaiter)) awaiter?.safe();
    }
  }

  /** A member did not get a message: another one shall. */
  #regroup(sender: number, number: number, message: Routed, share: Share): void {
    const routed = (reasonCode: number) => this.#stream(sender).routed(number, reasonCode);
    if (message.origin !== null && this.#groups.repeated(message.origin)) routed(reasonCodes.success);
    else if (!this.#groups.give(share, message, new Outcome(1, routed))) routed(reasonCodes.noMatchingSubscribers);
  }

  /** False: the deployment may retain no more messages, or this shard holds as much as it may. */
  #retain(message: RetainedMessage, empty: boolean): boolean {
    const { topic } = message;
    if (empty) {
      this.#retained.remove(topic);
      return true;
    }
    const { config, placement } = this.#state;
    const { retainedMessagesMax: all } = config.limits;
    const own = placement.topic.sizes.get(this.#state.index) ?? 0;
    const maximum = all === null ? null : Math.ceil((all * own) / SLOTS);
    if (maximum !== null && this.#retained.count >= maximum && !this.#retained.has(topic)) return false;
    if (this.#full) return false;
    this.#overload.stored(this.#context.storage.sql.databaseSize);
    this.#retained.set(message);
    return true;
  }

  /** Stores a route and queues the retained messages in one event, so that no newer live message can overtake them. The
   *  answer comes behind them: if this object dies before, all of it is asked again. */
  #route(sender: number, route: RouteRequest): void {
    const { request, filter, number, wanted, retainedFor: session, retainedLimit: limit, notFrom, movedFrom } = route;
    const stream = this.#stream(sender);
    const member = parseMemberName(filter);
    if (member !== null) {
      this.#member(sender, member, route);
      stream.routeStored(request, true);
      return;
    }
    const claimed = claimedFilter(filter);
    if (claimed !== null) {
      stream.routeStored(request, this.#claims.apply(sender, claimed, number, wanted, movedFrom));
      return;
    }
    this.#routes.apply(sender, filter, number, wanted);
    if (session !== null) this.#reads.begin(stream, { session, filter, limit, notFrom });
    stream.routeStored(request, true);
  }

  #member(sender: number, { share: name, uid }: MemberName, { number, wanted, online, movedFrom }: RouteRequest): void {
    const share = parseShare(name);
    if (share === null) return;
    const is = !wanted ? "gone" : online === true ? "online" : "offline";
    this.#groups.apply(share, { shard: sender, uid, number, is, movedFrom });
  }

  /** Whether this shard stores as much as it may. */
  get #full(): boolean {
    return this.#context.storage.sql.databaseSize >= limits.storedBytes;
  }

  #settle(): void {
    this.#groups.settle();
    for (const stream of this.#streams.values()) stream.flushRouted();
  }

  #awaitOutbox(): void {
    if (this.#outbox.messages > 0) this.#deadlines.set("outbox", "", Date.now() + OUTBOX_WAKE_MS);
  }

  #stream(shard: number): SessionStream {
    const existing = this.#streams.get(shard);
    if (existing !== undefined) return existing;
    const { deploymentId, index, incarnation } = this.#state;
    const stream = new SessionStream(shard, {
      sender: index,
      incarnation,
      outbox: this.#outbox,
      channel: new StreamChannel(
        (request) => sessionShardObject(this.#env.SESSION_SHARD, deploymentId, shard).fetch(request),
        limits.callTimeoutMs,
        this.#streamWatch,
      ),
      backOffMs: (attempt) => backOffMs(attempt, Math.random()),
      onStored: () => this.#deadlines.setIfUnset("outbox", "", Date.now() + OUTBOX_WAKE_MS),
      settle: () => this.#settle(),
      onReplaced: () => this.#context.abort("replaced by a newer incarnation"),
    });
    this.#streams.set(shard, stream);
    return stream;
  }
}
