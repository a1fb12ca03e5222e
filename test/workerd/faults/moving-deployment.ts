// A deployment of faulty shards whose slots move, by a Deployment object that can die as well.

import { env, runInDurableObject } from "cloudflare:test";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import type { DeploymentConfig, ShardCounts } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings, placementOf, serialOf } from "../../../src/contracts/deployment-config.ts";
import type { Attach } from "../../../src/contracts/link.ts";
import { deploymentObject } from "../../../src/contracts/object-names.ts";
import type { Sharding } from "../../../src/contracts/rpc.ts";
import type { LinkClient } from "../shards/link-client.ts";
import { config } from "../shards/link-client.ts";
import type { FaultChances } from "./fault-plan.ts";
import { FaultPlan } from "./fault-plan.ts";
import { FaultyDeployment, QUEUE_LENGTH_MAX } from "./faulty-deployment.ts";
import type { FaultyEnv } from "./faulty-shards.ts";

const bindings = env as unknown as FaultyEnv;
const settings = { ...defaultBrokerSettings, queueLengthMax: QUEUE_LENGTH_MAX };

export class MovingFaultyDeployment extends FaultyDeployment {
  #config: DeploymentConfig = config(1);
  #version = 0;

  /** Of one shard of each kind, and never of more than `shardsMax`. */
  static async moving(shardsMax: number, seed: number, chances: FaultChances): Promise<MovingFaultyDeployment> {
    const id = `moving${shardsMax}x${seed}x`;
    const deployment = new MovingFaultyDeployment(id, shardsMax, new FaultPlan(seed, chances));
    await deployment.want({ session: 1, topic: 1 });
    return deployment;
  }

  get object() {
    return deploymentObject(bindings.FAULTY_DEPLOYMENT, this.id);
  }

  async want(shards: ShardCounts): Promise<void> {
    this.#version += 1;
    await this.object.configure(this.id, config(1, { version: this.#version, shards, settings }), null);
  }

  async sharding(): Promise<Sharding> {
    const outcome = await this.object.sharding();
    if (!outcome.ok) throw new Error(outcome.error);
    return outcome.value;
  }

  /** The Deployment object dies. */
  async crashObject(): Promise<void> {
    await runInDurableObject(this.object as never, (_: unknown, state: DurableObjectState) =>
      state.abort("crash"),
    ).catch(() => undefined);
  }

  override sessionShardOf(clientId: string) {
    return this.sessionShard(placementOf(this.#config).session.shardOf(slotOfClientId(clientId)));
  }

  override async connect(clientId: string, change: Partial<Attach> = {}): Promise<LinkClient> {
    const outcome = await this.object.admit(null);
    if (!outcome.ok) throw new Error(outcome.error);
    this.#config = outcome.value.config;
    return super.connect(clientId, { configVersion: serialOf(this.#config), ...change });
  }
}
