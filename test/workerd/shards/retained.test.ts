// Retained messages for new subscriptions: all of them, whatever their number and size and however slow the client.

import { describe, expect, it } from "vitest";
import type { LinkClient } from "./link-client.ts";
import { TestDeployment, text } from "./link-client.ts";

let deployments = 0;

/** Retains `count` messages of `bytes` bytes at `topicOf(0)` and on. */
async function retain(client: LinkClient, count: number, topicOf: (i: number) => string, bytes = 4): Promise<string[]> {
  const topics = Array.from({ length: count }, (_, i) => topicOf(i));
  for (const [i, topic] of topics.entries()) {
    const payload = `${i}`.padStart(bytes, "0");
    client.send({ cmd: "publish", topic, payload, qos: 1, retain: true, dup: false, messageId: i + 1 });
  }
  for (const _ of topics) await client.take("puback");
  return topics;
}

async function topicsOf(
  client: LinkClient,
  count: number,
  before: (i: number) => Promise<void> = async () => undefined,
): Promise<string[]> {
  const topics: string[] = [];
  for (let i = 0; i < count; i++) {
    await before(i);
    topics.push((await client.message()).topic);
  }
  return topics;
}

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, { timeout: 30_000 }, () => {
    const create = () => TestDeployment.create(`ret${++deployments}x`, shards);

    it("[MQTT-3.3.1-9] gives more than a queue holds, each once, to a client that takes few at a time", async () => {
      const deployment = await create();
      const topics = await retain(await deployment.connect("p"), 1_200, (i) => `many/${i % 50}/${i}`);
      const client = await deployment.connect("s", { receiveMaximum: 3 });
      expect(await client.subscribe("many/#")).toEqual([1]);
      const got = await topicsOf(client, topics.length);
      expect(got.toSorted()).toEqual(topics.toSorted());
      const { queueDropped, queueLength } = await deployment.clientInfo("s");
      expect({ queueDropped, queueLength }).toEqual({ queueDropped: 0, queueLength: 0 });
    });

    it("gives QoS 0 ones beyond the link's window as the client takes them", async () => {
      const deployment = await create();
      const topics = await retain(await deployment.connect("p"), 200, (i) => `large/${i}`, 8_192);
      const client = await deployment.connect("s");
      client.returnCredit = false;
      expect(await client.subscribe("large/+", { qos: 0 })).toEqual([0]);
      const first = await topicsOf(client, 20);
      client.returnCredit = true;
      client.confirm(256 * 1_024);
      const rest = await topicsOf(client, topics.length - first.length);
      expect([...first, ...rest].toSorted()).toEqual(topics.toSorted());
    });

    it("goes on after evictions, and after the client was away", async () => {
      const deployment = await create();
      const topics = await retain(await deployment.connect("p"), 400, (i) => `away/${i}`);
      let client = await deployment.connect("s", { receiveMaximum: 5 });
      await client.subscribe("away/#");
      const got = await topicsOf(client, 150, async (i) => {
        if (i % 40 === 39) await deployment.evict("hibernate");
      });
      client.close();
      await client.closed;
      await deployment.evict("close");
      client = await deployment.connect("s", { receiveMaximum: 5 });
      const seen = new Set(got);
      while (seen.size < topics.length) seen.add((await client.message()).topic);
      expect([...seen].toSorted()).toEqual(topics.toSorted());
    });

    it("gives a topic's retained message before its live ones, also while pages are still to come", async () => {
      const deployment = await create();
      const publisher = await deployment.connect("p");
      const topics = await retain(publisher, 300, (i) => `order/${String(i).padStart(3, "0")}`);
      const client = await deployment.connect("s", { receiveMaximum: 10 });
      await client.subscribe("order/#");
      const last = topics.at(-1) ?? "";
      const live = publisher.publish(last, "newer", { retain: true, messageId: 1_000 });
      const messages = [];
      for (let i = 0; i < topics.length + 1; i++) messages.push(await client.message());
      expect(await live).toBe(0);
      const ofLast = messages.filter(({ topic }) => topic === last);
      expect(ofLast.map((message) => [text(message), message.retain])).toEqual([
        ["0299", true],
        ["newer", false],
      ]);
      expect(new Set(messages.map(({ topic }) => topic)).size).toBe(topics.length);
    });

    it("[MQTT-3.8.4-3] begins anew, once, when the client subscribes again while pages are on their way", async () => {
      const deployment = await create();
      const topics = await retain(await deployment.connect("p"), 800, (i) => `again/${i % 7}/${i}`);
      const client = await deployment.connect("s", { receiveMaximum: 20 });
      await client.subscribe("again/#");
      const first = await topicsOf(client, 300);
      const granted = client.subscribe("again/#");
      const counts = new Map(first.map((topic) => [topic, 1]));
      const seenTwice = () => [...counts.values()].filter((count) => count > 1).length;
      while (counts.size < topics.length || seenTwice() < first.length) {
        const { topic } = await client.message();
        counts.set(topic, (counts.get(topic) ?? 0) + 1);
      }
      expect(await granted).toEqual([1]);
      const publisher = await deployment.connect("q");
      const done = publisher.publish("again/end", "end");
      for (let message = await client.message(); message.topic !== "again/end"; message = await client.message()) {
        counts.set(message.topic, (counts.get(message.topic) ?? 0) + 1);
      }
      expect(await done).toBe(0);
      expect(Math.max(...counts.values())).toBe(2);
    });

    it("goes on when the topic shard has lost its memory, and what it was asked for with it", async () => {
      const deployment = await create();
      const topics = await retain(await deployment.connect("p"), 600, (i) => `lost/${i % 9}/${i}`);
      const client = await deployment.connect("s", { receiveMaximum: 20 });
      await client.subscribe("lost/#");
      const seen = new Set<string>();
      while (seen.size < topics.length) {
        seen.add((await client.message()).topic);
        if (seen.size % 100 === 0) await deployment.evictTopicShards();
      }
      expect([...seen].toSorted()).toEqual(topics.toSorted());
    });

    it("gives none for a subscription that ended meanwhile", async () => {
      const deployment = await create();
      await retain(await deployment.connect("p"), 300, (i) => `ended/${i}`);
      const client = await deployment.connect("s", { receiveMaximum: 5 });
      await client.subscribe("ended/#");
      client.send({ cmd: "unsubscribe", messageId: 20, unsubscriptions: ["ended/#"] });
      await client.take("unsuback");
      const before = client.log.length;
      expect(before).toBeLessThan(200);
      // What had come before the end may still be sent; nothing that is asked for later.
      await client.subscribe("other/#");
      const publisher = await deployment.connect("q");
      const done = publisher.publish("other/1", "the last");
      let message = await client.message();
      while (message.topic !== "other/1") message = await client.message();
      expect(await done).toBe(0);
      expect(client.log.filter(({ cmd }) => cmd === "publish").length).toBeLessThan(200);
    });
  });
}
