// A numbered object that owns the topics that hash to it: which session shards want their messages, and the retained
// ones. It is a shell: events come in over streams, calls and alarms.

import { DurableObject } from "cloudflare:workers";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type {
  DeliverReply,
  NotProvisioned,
  NumberedMove,
  Outcome,
  SlotPage,
  TopicShardRpc,
  TopicShardStats,
} from "../../contracts/rpc.ts";
import type { Env } from "../../platform/env.ts";
import { erase } from "../../platform/erase.ts";
import { ShardState } from "../../platform/shard-state.ts";
import { StreamSockets } from "../../platform/stream-sockets.ts";
import { migrations } from "./schema.ts";
import { Shard } from "./shard.ts";

export class TopicShard extends DurableObject<Env> implements TopicShardRpc {
  readonly #streams = new StreamSockets(this.ctx, (envelope) => this.#deliver(envelope));
  #shard: Shard | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const state = ShardState.load(context.storage, migrations);
    if (state !== null) this.#shard = new Shard(context, env, state);
  }

  async configure(deploymentId: string, index: number, config: DeploymentConfig): Promise<number> {
    this.#shard ??= new Shard(
      this.ctx,
      this.env,
      ShardState.provision(this.ctx.storage, migrations, deploymentId, index, config),
    );
    return this.#shard.configure(config);
  }

  /** Opens a stream: see contracts/stream.ts. */
  override async fetch(request: Request): Promise<Response> {
    return this.#streams.accept(request) ?? new Response("not found", { status: 404 });
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    if (typeof data !== "string") this.#streams.receive(socket, new Uint8Array(data));
  }

  override webSocketClose(socket: WebSocket): void {
    try {
      socket.close(1000, "");
    } catch {
      // It is closed already.
    }
  }

  async #deliver(envelope: Uint8Array): Promise<DeliverReply | null> {
    return this.#shard === null ? { status: "not_provisioned", incarnation: 0 } : this.#shard.deliver(envelope);
  }

  async stats(): Promise<Outcome<TopicShardStats, NotProvisioned>> {
    if (this.#shard === null) return { ok: false, error: "not_provisioned" };
    return { ok: true, value: this.#shard.stats() };
  }

  // ---- Slots that move ----------------------------------------------------------------------------------------------

  async delivered(sessionShard: number | null): Promise<boolean> {
    return this.#provisioned.delivered(sessionShard);
  }

  async slotsToGive(count: number): Promise<number[]> {
    return this.#provisioned.transfer.slotsToGive(count);
  }

  async exportSlots(move: NumberedMove, from: string): Promise<SlotPage> {
    return this.#provisioned.transfer.exportPage(move, from);
  }

  async importSlots(move: NumberedMove, index: number, page: Uint8Array): Promise<void> {
    this.#makes(move).transfer.pages.keep(move.id, index, page);
  }

  async adoptSlots(move: NumberedMove, pages: number): Promise<boolean> {
    return this.#provisioned.adopt(move, pages);
  }

  async releaseSlots(move: NumberedMove, from: string): Promise<string | null> {
    return this.#makes(move).release(move, from);
  }

  /** Slots move between shards that serve; where one does not, the move must fail. */
  get #provisioned(): Shard {
    if (this.#shard === null) throw new Error("not provisioned");
    return this.#shard;
  }

  #makes(move: NumberedMove): Shard {
    const shard = this.#provisioned;
    shard.mustMake(move);
    return shard;
  }

  override async alarm(): Promise<void> {
    await this.#shard?.alarm();
  }

  async destroy(): Promise<void> {
    const served = this.#shard !== null;
    this.#shard = null;
    await erase(this.ctx, served);
  }
}
