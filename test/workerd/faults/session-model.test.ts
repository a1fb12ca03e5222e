// Publishers and subscribers over real shards while frames between these are lost, repeated, delayed and overtaken,
// commits fail, objects die, and clients come and go: what was acknowledged arrives, QoS 2 once, in order; of a share at
// one member of its group.

import { afterAll, expect, it } from "vitest";
import { FaultyDeployment } from "./faulty-deployment.ts";
import { comeTwice, holds, World } from "./world.ts";

const chances = { lost: 0.03, repeated: 0.05, delayed: 0.1, overtaken: 0.05, uncommitted: 0.01 };
const ROUNDS = 60;

/** Commits that failed, over all seeds: each alone may have none. */
let uncommitted = 0;
afterAll(() => expect(uncommitted).toBeGreaterThan(0));

for (const shards of [1, 4]) {
  for (const seed of [1, 2, 3, 4]) {
    it(
      `[MQTT-4.3.2-4] [MQTT-4.3.3-12] [MQTT-4.6.0-5] ${shards} shard(s), seed ${seed}: nothing acknowledged is lost, ` +
        "QoS 2 is once, order is kept, whatever fails between the shards",
      { timeout: 180_000 }, // Each fault may cost it as long as it takes to be noticed.
      async () => {
        const world = new World(await FaultyDeployment.of(shards, seed, chances));
        await world.begin();
        for (let i = 0; i < ROUNDS; i++) await world.step();
        await world.settle();
        // Links hibernate only with an object that has nothing to do.
        await world.deployment.evict("hibernate");
        for (let i = 0; i < 4; i++) world.publish();
        await world.settle();
        for (const each of world.subscribers) {
          expect((await world.deployment.clientInfo(each.id)).queueDropped).toBe(0);
          holds(world, each);
        }
        expect(comeTwice(world.shared)).toEqual([]); // Once in all the group.
        expect(world.publishers.flatMap(({ refused }) => refused)).toEqual([]);
        // A layer that lets everything through would show nothing.
        const { lost, repeated, delayed, overtaken } = world.deployment.plan.happened;
        for (const times of [lost, repeated, delayed, overtaken]) expect(times).toBeGreaterThan(0);
        uncommitted += world.deployment.plan.happened.uncommitted;
        world.end();
      },
    );
  }
}
