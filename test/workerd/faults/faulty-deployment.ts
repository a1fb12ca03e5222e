// A deployment of faulty shards, of which any one can die.

import { env, runInDurableObject } from "cloudflare:test";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { sessionShardObject, topicShardObject } from "../../../src/contracts/object-names.ts";
import { config, TestDeployment } from "../shards/link-client.ts";
import type { FaultChances } from "./fault-plan.ts";
import { FaultPlan, planFaults } from "./fault-plan.ts";
import type { FaultyEnv } from "./faulty-shards.ts";

/** Each death has the publishers say again all that is open: so many copies for a slow client would make a queue of the
 *  usual length drop its oldest, which is lost by right. */
export const QUEUE_LENGTH_MAX = 1_000_000;

const bindings = env as unknown as FaultyEnv;

export class FaultyDeployment extends TestDeployment {
  readonly plan: FaultPlan;

  protected constructor(id: string, shards: number, plan: FaultPlan) {
    super(id, shards);
    this.plan = plan;
  }

  static async of(shards: number, seed: number, chances: FaultChances): Promise<FaultyDeployment> {
    const deployment = new FaultyDeployment(`trouble${shards}x${seed}x`, shards, new FaultPlan(seed, chances));
    const settings = { ...defaultBrokerSettings, queueLengthMax: QUEUE_LENGTH_MAX };
    await deployment.configure(config(shards, { settings }));
    return deployment;
  }

  /** From now on things fail. */
  begin(): void {
    planFaults(this.id, this.plan);
  }

  override sessionShard(index: number) {
    return sessionShardObject(bindings.FAULTY_SESSION_SHARD, this.id, index);
  }

  override topicShard(index: number) {
    return topicShardObject(bindings.FAULTY_TOPIC_SHARD, this.id, index);
  }

  /** One shard, drawn by `random`, dies. */
  async crashOne(random: () => number): Promise<void> {
    const shard = this.#draw(random);
    await runInDurableObject(shard as never, (_: unknown, state: DurableObjectState) => state.abort("crash")).catch(
      () => undefined,
    );
  }

  #draw(random: () => number) {
    const index = Math.floor(random() * this.shards);
    return random() < 0.5 ? this.sessionShard(index) : this.topicShard(index);
  }
}
