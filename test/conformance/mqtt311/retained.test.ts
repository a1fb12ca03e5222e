// Retained messages of 3.1.1, section 3.3.1.3.

import { expect } from "vitest";
import { it } from "../harness/it.ts";

it("[MQTT311-3.3.1-5] [MQTT311-3.3.1-6] [MQTT311-3.3.1-8] a new subscription gets the last retained message, with its QoS", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.publishSafely({ topic, payload: "old", retain: true });
  await client.publishSafely({ topic, payload: "new", retain: true });
  await client.subscribe([{ filter: topic, qos: 2 }]);
  const message = await client.message();
  expect([String(message.payload), message.retain, message.qos]).toEqual(["new", true, 1]);
});

it("[MQTT311-3.3.1-7] a retained message of QoS 0 takes the place of the one before", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.publishSafely({ topic, payload: "old", retain: true });
  client.publish({ topic, payload: "new", retain: true });
  await client.publishSafely({ topic, payload: "marker" });
  await client.subscribe([{ filter: topic }]);
  expect(String((await client.message()).payload)).toBe("new");
});

it("[MQTT311-3.3.1-9] a live message has RETAIN 0", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic, retain: true });
  expect((await client.message()).retain).toBe(false);
});

it("[MQTT311-3.3.1-10] [MQTT311-3.3.1-11] an empty retained message is delivered, and removes the one that was there", async ({
  broker,
}) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(4);
  await client.publishSafely({ topic, payload: "to be removed", retain: true });
  await client.publishSafely({ topic, payload: "", retain: true });
  await watcher.message();
  expect((await watcher.message()).payload).toHaveLength(0);
  await client.subscribe([{ filter: topic }]);
  await client.publishSafely({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT311-3.3.1-12] a message that is not retained leaves the retained one alone", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.publishSafely({ topic, payload: "kept", retain: true });
  await client.publishSafely({ topic, payload: "" });
  await client.subscribe([{ filter: topic }]);
  expect(String((await client.message()).payload)).toBe("kept");
});
