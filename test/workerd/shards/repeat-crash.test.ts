// What a topic shard is given again after it died must not undo what came behind it and was acknowledged.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { Outbox } from "../../../src/durable-objects/topic-shard/outbox.ts";
import { TestDeployment, text } from "./link-client.ts";

/** A subscriber's silence holds the first message in memory so long. */
const settings = { ...defaultBrokerSettings, ackDeadlineMs: 1_000 };

it("[MQTT-3.3.1-5] a repeated publish does not replace a newer retained message", { timeout: 20_000 }, async () => {
  const deployment = await TestDeployment.create("repeat1x", 1, { settings });
  const silent = await deployment.connect("s", { receiveMaximum: 1 });
  await silent.subscribe("state");
  const [first, second] = [await deployment.connect("p"), await deployment.connect("q")];
  const acknowledged = first.publish("state", "v1", { retain: true });
  await silent.message(false);
  // More than may wait in memory: what is behind v1 is written, and acknowledged before v1 is.
  for (let i = 2; i <= 6; i++) {
    second.send({ cmd: "publish", topic: "state", payload: `v${i}`, qos: 1, retain: true, dup: false, messageId: i });
  }
  for (let i = 2; i <= 6; i++) expect((await second.take("puback")).reasonCode ?? 0).toBe(0);
  await runInDurableObject(deployment.topicShard(0) as never, (_: unknown, state: DurableObjectState) =>
    state.abort("crash"),
  ).catch(() => undefined);
  const late = await deployment.connect("late");
  expect(await acknowledged).toBe(0);
  await late.subscribe("state");
  expect(text(await late.message())).toBe("v6");
});

it("what a topic shard had and has not told of is sent again as soon as its socket breaks", async () => {
  const deployment = await TestDeployment.create("repeat2x", 1, { settings });
  const silent = await deployment.connect("s");
  await silent.subscribe("news");
  const publisher = await deployment.connect("p");
  void publisher.publish("news", "v1");
  expect(text(await silent.message(false))).toBe("v1");
  await runInDurableObject(deployment.topicShard(0) as never, (_: unknown, state: DurableObjectState) =>
    state.abort("crash"),
  ).catch(() => undefined);
  const crashedAt = Date.now();
  expect(text(await silent.message())).toBe("v1"); // Once more, as QoS 1 may.
  expect(Date.now() - crashedAt).toBeLessThan(4_000);
});

it("what a topic shard had stored for a session shard goes on as soon as its socket breaks", async () => {
  const deployment = await TestDeployment.create("repeat3x", 1);
  const subscriber = await deployment.connect("s");
  await subscriber.subscribe("news");
  const publisher = await deployment.connect("p");
  expect(await publisher.publish("news", "v1")).toBe(0); // The socket is open.
  expect(text(await subscriber.message())).toBe("v1");
  await runInDurableObject(deployment.topicShard(0) as never, async (_: unknown, state: DurableObjectState) => {
    const packet = writePublish({
      topic: "news",
      qos: 1,
      retain: false,
      packetId: 1,
      properties: new Uint8Array(),
      payload: new TextEncoder().encode("v2"),
    });
    new Outbox(state.storage.sql).add(0, { publisher: 0, expiresAt: 0, packet, origin: null, member: null });
    await state.storage.sync();
    state.abort("crash");
  }).catch(() => undefined);
  expect(text(await subscriber.message())).toBe("v2");
});
