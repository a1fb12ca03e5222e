// The same while slots move between shards, to more of them and to fewer, and the object that moves them dies as well. Pages
// are short, so that most slots take several, and shards die between them and of them.

import { afterAll, beforeAll, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { MovingFaultyDeployment } from "./moving-deployment.ts";
import { comeTwice, holds, World } from "./world.ts";

const chances = { lost: 0.02, repeated: 0.03, delayed: 0.05, overtaken: 0.03, uncommitted: 0.003, step: 0.02 };
const SHARDS_MAX = 4;
const ROUNDS = 100;
/** Rounds between two numbers of shards. */
const PHASE = 25;

const short = { movePageRows: 3 };
const { movePageRows } = limits;
beforeAll(() => Object.assign(limits, short));
/** Of all seeds: what a seed draws when is not the same in two runs. */
let diedOfSteps = 0;
afterAll(() => {
  Object.assign(limits, { movePageRows });
  expect(diedOfSteps).toBeGreaterThan(0);
});

for (const seed of [2, 3, 22]) {
  it(
    `[MQTT-4.3.2-4] [MQTT-4.3.3-12] [MQTT-4.6.0-5] seed ${seed}: nothing acknowledged is lost, QoS 2 is once, order is ` +
      "kept while slots move, whatever dies meanwhile",
    { timeout: 120_000 },
    async () => {
      const deployment = await MovingFaultyDeployment.moving(SHARDS_MAX, seed, chances);
      const { random } = deployment.plan;
      const shards = () => 1 + Math.floor(random() * SHARDS_MAX);
      const world = new World(deployment);
      await world.begin();
      let moved = 0;
      for (let i = 0; i < ROUNDS; i++) {
        if (i % PHASE === 5) await deployment.want({ session: shards(), topic: shards() }).catch(() => undefined);
        if (random() < 0.03) await deployment.crashObject();
        await world.step();
        if ((await deployment.sharding().catch(() => null))?.moving != null) moved += 1;
      }
      await world.settle();
      // Under way with nothing to disturb it, to the end.
      await deployment.want({ session: SHARDS_MAX, topic: SHARDS_MAX });
      const done = { wanted: SHARDS_MAX, serving: SHARDS_MAX, slotsToMove: 0 };
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 4; j++) world.publish();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await expect
        .poll(() => deployment.sharding(), { timeout: 60_000 })
        .toEqual({ session: done, topic: done, moving: null });
      await world.settle();
      for (const each of world.subscribers) holds(world, each);
      expect(comeTwice(world.shared)).toEqual([]);
      expect(world.publishers.flatMap(({ refused }) => refused)).toEqual([]);
      expect(moved).toBeGreaterThan(0);
      diedOfSteps += deployment.plan.happened.step;
      world.end();
    },
  );
}
