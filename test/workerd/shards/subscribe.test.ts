// SUBSCRIBEs whose routes do not become durable in time: what every SUBACK refused does not stand, and what stood before
// does, unless it was given up.

import { describe, expect, it } from "vitest";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { slotOfFilter } from "../../../src/broker/topics/slots.ts";
import { config, TestDeployment } from "./link-client.ts";

const FAILED = 0x83;

describe.concurrent("a topic shard does not answer", { timeout: 40_000 }, () => {
  it("[MQTT-3.8.4-7] no subscription stands that two SUBACKs refused", async () => {
    const here = new TestDeployment("silent1x", 1);
    await here.sessionShard(0).configure(here.id, 0, config(1));
    const client = await here.connect("c");
    const codes = await Promise.all([client.subscribe("+", { qos: 1 }), client.subscribe("+", { qos: 2 })]);
    expect(codes).toEqual([[FAILED], [FAILED]]);
    expect(await subscriptionsOf(here)).toEqual([]);
  });

  it("[MQTT-3.8.4-7] what stood before two SUBSCRIBEs that were refused stands again", async () => {
    const here = await TestDeployment.create("silent2x", 1);
    const client = await here.connect("c");
    expect(await client.subscribe("+", { qos: 1 })).toEqual([1]);
    await addSilentTopicShard(here);
    const codes = await Promise.all([client.subscribe("+", { qos: 2 }), client.subscribe("+", { qos: 0 })]);
    expect(codes).toEqual([[FAILED], [FAILED]]);
    expect(await subscriptionsOf(here)).toMatchObject([{ topic: "+", qos: 1 }]);
  });

  it("[MQTT-3.8.4-7] a SUBSCRIBE that was granted stays when one before it is refused", async () => {
    const here = await TestDeployment.create("silent3x", 1);
    const client = await here.connect("c");
    expect(await client.subscribe("+", { qos: 1 })).toEqual([1]);
    await addSilentTopicShard(here);
    client.send(
      { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "+", qos: 0, rh: 0 }] },
      { cmd: "subscribe", messageId: 2, subscriptions: [{ topic: "+", qos: 2, rh: 2 }] }, // Asks for nothing.
    );
    expect(await client.take("suback")).toMatchObject({ messageId: 2, granted: [2] });
    expect(await client.take("suback")).toMatchObject({ messageId: 1, granted: [FAILED] });
    expect(await subscriptionsOf(here)).toMatchObject([{ topic: "+", qos: 2 }]);
  });

  it("[MQTT-3.10.4-2] what was given up meanwhile does not stand again", async () => {
    const here = await TestDeployment.create("silent4x", 1);
    const client = await here.connect("c");
    expect(await client.subscribe("+", { qos: 1 })).toEqual([1]);
    await addSilentTopicShard(here);
    const refused = client.subscribe("+", { qos: 2 });
    client.send({ cmd: "unsubscribe", messageId: 20, unsubscriptions: ["+"] });
    expect((await client.take("unsuback")).granted).toEqual([0]);
    expect(await refused).toEqual([FAILED]);
    expect(await subscriptionsOf(here)).toEqual([]);
  });

  it("[MQTT-3.3.1-9] one that was refused holds up no retained messages of others", async () => {
    const here = await TestDeployment.create("silent5x", 1);
    const publisher = await here.connect("p");
    // A literal topic level that stays in the topic shard that answers.
    const map = SlotMap.even(2);
    const level = ["a", "b", "c", "d", "e"].find((name) => map.shardOf(slotOfFilter(`${name}/x`)) === 0) ?? "";
    for (const payload of ["1", "2", "3", "4", "5", "6", "7", "8", "9"]) {
      await publisher.publish(`${level}/x/${payload}`, payload, { retain: true });
    }
    const client = await here.connect("c", { receiveMaximum: 1 });
    await addSilentTopicShard(here);
    expect(await client.subscribe("+/#")).toEqual([FAILED]);
    expect(await client.subscribe(`${level}/x/+`)).toEqual([1]);
    const topics = new Set<string>();
    while (topics.size < 9) topics.add((await client.message()).topic);
  });
});

/** From now on a filter that stands everywhere waits for a topic shard that does not answer. */
async function addSilentTopicShard(here: TestDeployment): Promise<void> {
  await here.sessionShard(0).configure(here.id, 0, config(1, { version: 2, shards: { session: 1, topic: 2 } }));
}

async function subscriptionsOf(here: TestDeployment) {
  const found = await here.sessionShardOf("c").listSubscriptions("c");
  if (!found.ok || found.value === null) throw new Error("there is no such client");
  return found.value;
}
