// A numbered object that owns the topics that hash to it: which session shards want their messages, and the retained
// ones. It is a shell around the router.

import { DurableObject } from "cloudflare:workers";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeliverReply, NotProvisioned, Outcome, TopicShardRpc, TopicShardStats } from "../../contracts/rpc.ts";
import type { Env } from "../../platform/env.ts";
import { ShardState } from "../../platform/shard-state.ts";
import { Router } from "./router.ts";
import { migrations } from "./schema.ts";

export class TopicShard extends DurableObject<Env> implements TopicShardRpc {
  #router: Router | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const state = ShardState.load(context.storage.sql, migrations);
    if (state !== null) this.#router = new Router(context, env, state);
  }

  async configure(deploymentId: string, index: number, config: DeploymentConfig): Promise<number> {
    this.#router ??= new Router(
      this.ctx,
      this.env,
      ShardState.provision(this.ctx.storage.sql, migrations, deploymentId, index, config),
    );
    return this.#router.configure(config);
  }

  async deliver(envelope: Uint8Array): Promise<DeliverReply> {
    return this.#router === null ? { status: "not_provisioned", incarnation: 0 } : this.#router.deliver(envelope);
  }

  async stats(): Promise<Outcome<TopicShardStats, NotProvisioned>> {
    if (this.#router === null) return { ok: false, error: "not_provisioned" };
    return { ok: true, value: this.#router.stats() };
  }

  override async alarm(): Promise<void> {
    await this.#router?.alarm();
  }

  async destroy(): Promise<void> {
    this.#router = null;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }
}
