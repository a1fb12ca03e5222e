// A real deployment whose slots move: its clients go to where their slots are by its config, as the edge has it.

import type { DeploymentConfig, ShardCounts } from "../../../src/contracts/deployment-config.ts";
import { placementOf, serialOf } from "../../../src/contracts/deployment-config.ts";
import type { Attach } from "../../../src/contracts/link.ts";
import type { Sharding } from "../../../src/contracts/rpc.ts";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import type { LinkClient } from "../shards/link-client.ts";
import { config } from "../shards/link-client.ts";
import { valueOf, WholeDeployment } from "./deployment-client.ts";

export class MovingDeployment extends WholeDeployment {
  #config: DeploymentConfig = config(this.shards);
  #version = 1;

  static async of(id: string, shards: number, change: Partial<DeploymentConfig> = {}): Promise<MovingDeployment> {
    const deployment = new MovingDeployment(id, shards);
    const outcome = await deployment.publish(change);
    if (!outcome.ok || !outcome.value.everywhere) throw new Error(JSON.stringify(outcome));
    return deployment;
  }

  /** From now on so many shards are wanted. */
  async want(shards: ShardCounts, change: Partial<DeploymentConfig> = {}): Promise<void> {
    this.#version += 1;
    valueOf(await this.publish({ ...change, shards, version: this.#version }));
  }

  async sharding(): Promise<Sharding> {
    return valueOf(await this.object.sharding());
  }

  /** Rings until nothing is left to move. */
  async moved(): Promise<Sharding> {
    for (let rings = 0; ; rings++) {
      const sharding = await this.sharding();
      if (rings > 200) throw new Error(`it does not end: ${JSON.stringify(sharding)}`);
      if (sharding.moving === null && sharding.session.slotsToMove + sharding.topic.slotsToMove === 0) return sharding;
      await this.ring();
    }
  }

  /** Learns where slots are now. */
  async learn(): Promise<void> {
    this.#config = valueOf(await this.object.admit(null)).config;
  }

  /** Serial of the config by which it is known where slots are. */
  get serial(): number {
    return serialOf(this.#config);
  }

  indexOf(clientId: string): number {
    return placementOf(this.#config).session.shardOf(slotOfClientId(clientId));
  }

  override sessionShardOf(clientId: string) {
    return this.sessionShard(this.indexOf(clientId));
  }

  override async connect(clientId: string, change: Partial<Attach> = {}): Promise<LinkClient> {
    await this.learn();
    return super.connect(clientId, { configVersion: this.serial, ...change });
  }
}
