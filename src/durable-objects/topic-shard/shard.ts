// A provisioned topic shard: makes its parts and joins them, and has the streams from and to the session shards. What
// travels in these is Router's.

import { limits } from "../../broker/limits.ts";
import { SLOTS } from "../../broker/topics/slots.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { deploymentObject, sessionShardObject } from "../../contracts/object-names.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import type { DeliverReply, NumberedMove, TopicShardStats } from "../../contracts/rpc.ts";
import { backOffMs } from "../../platform/back-off.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import type { Env } from "../../platform/env.ts";
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
import { RetainedStore } from "./retained-store.ts";
import { RouteTable } from "./route-table.ts";
import { Router } from "./router.ts";
import { SessionStream } from "./session-stream.ts";
import { SlotTransfer } from "./slot-transfer.ts";

/** How soon an object with something in its outbox is woken, should it have died. */
const OUTBOX_WAKE_MS = 10_000;

export class Shard {
  readonly transfer: SlotTransfer;
  readonly #env: Env;
  readonly #context: DurableObjectState;
  readonly #state: ShardState;
  readonly #routes: RouteTable;
  readonly #groups: Groups;
  readonly #retained: RetainedStore;
  readonly #router: Router;
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
    const { sql } = context.storage;
    const full = () => sql.databaseSize >= limits.storedBytes;
    const stream = (shard: number) => this.#stream(shard);
    this.#routes = new RouteTable(sql);
    this.#retained = new RetainedStore(sql);
    this.#outbox = new Outbox(sql);
    this.#groups = new Groups({
      sql,
      settings: () => state.config.settings,
      stream,
      full,
      outboxFull: () => this.#outbox.full,
    });
    this.transfer = new SlotTransfer({
      sql,
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
    this.#router = new Router({
      routes: this.#routes,
      claims: new Claims(sql),
      groups: this.#groups,
      retained: this.#retained,
      reads: new RetainedReads(this.#retained, Date.now),
      stream,
      retainedMax: () => this.#retainedMax,
      full,
      stores: () => this.#overload.stored(sql.databaseSize),
      failed: (error) => endOnStorageTrouble(context, error),
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
          this.#router.apply(sender, envelope);
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

  /** This shard's part of what the deployment may retain; null: any number. */
  get #retainedMax(): number | null {
    const { config, placement, index } = this.#state;
    const { retainedMessagesMax } = config.limits;
    return retainedMessagesMax === null
      ? null
      : Math.ceil((retainedMessagesMax * (placement.topic.sizes.get(index) ?? 0)) / SLOTS);
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
