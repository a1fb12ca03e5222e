// Retained messages, section 3.3.1.3, and the options of subscriptions that concern them.

import { expect } from "vitest";
import { it } from "../harness/it.ts";
import { publish, subscribe } from "../harness/packets.ts";

it("[MQTT-3.3.1-5] the last retained message of a topic goes to a new subscriber", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "old", retain: true });
  await client.publishSafely({ topic, payload: "new", retain: true });
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const message = await client.message();
  expect({ payload: String(message.payload), retain: message.retain }).toEqual({ payload: "new", retain: true });
  await client.publishSafely({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT-3.3.1-6] [MQTT-3.3.1-7] an empty retained message removes the one that was there", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "to be removed", retain: true });
  await client.publishSafely({ topic, payload: "", retain: true });
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it.for([0, 1, 2] as const)(
  "[MQTT-3.3.1-5] [MQTT-3.3.1-6] a SUBSCRIBE right behind a retained message of QoS %i finds it",
  async (qos, { broker }) => {
    const topic = broker.topic();
    const client = await broker.connect(5);
    await client.publishSafely({ topic, payload: "old", retain: true });
    const later = (payload: string, packetId: number) => publish(5, { topic, payload, retain: true, qos, packetId });
    client.send(later("", 100), subscribe(5, 101, [{ filter: topic }]), later("new", 102));
    const fresh = await client.pick("publish");
    expect({ payload: String(fresh.payload), retain: fresh.retain }).toEqual({ payload: "new", retain: false });
    client.send(later("newer", 103), subscribe(5, 104, [{ filter: topic, retainHandling: 0 }]));
    const live = await client.pick("publish");
    expect({ payload: String(live.payload), retain: live.retain }).toEqual({ payload: "newer", retain: false });
    const retained = await client.pick("publish");
    expect({ payload: String(retained.payload), retain: retained.retain }).toEqual({ payload: "newer", retain: true });
  },
);

it("[MQTT-3.3.1-6] an empty retained message goes to those who subscribe already", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic, payload: "", retain: true });
  expect((await client.message()).payload).toHaveLength(0);
});

it("[MQTT-3.3.1-8] a message that is not retained leaves the retained one alone", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "kept", retain: true });
  await client.publishSafely({ topic, payload: "passing" });
  await client.publishSafely({ topic, payload: "" });
  await client.subscribe([{ filter: topic }]);
  expect(String((await client.message()).payload)).toBe("kept");
});

it("[MQTT-3.3.1-9] Retain Handling 0 sends retained messages at each SUBSCRIBE", async ({ broker }) => {
  const client = await broker.connect(5);
  const topics = ["a", "b", "c"].map((each) => broker.topic(each));
  for (const topic of topics) await client.publishSafely({ topic, retain: true });
  for (let count = 0; count < 2; count += 1) {
    await client.subscribe([{ filter: broker.topic("+"), retainHandling: 0 }]);
    const received = [];
    while (received.length < topics.length) received.push((await client.message()).topic);
    expect(received.sort()).toEqual(topics);
  }
});

it("[MQTT-3.3.1-10] Retain Handling 1 sends retained messages for a new subscription alone", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "retained", retain: true });
  await client.subscribe([{ filter: topic, retainHandling: 1 }]);
  expect(String((await client.message()).payload)).toBe("retained");
  await client.subscribe([{ filter: topic, retainHandling: 1 }]);
  client.publish({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT-3.3.1-11] Retain Handling 2 sends no retained messages", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "retained", retain: true });
  await client.subscribe([{ filter: topic, retainHandling: 2 }]);
  client.publish({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT-3.3.1-12] without Retain As Published a live message has RETAIN 0", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic, retain: true });
  expect((await client.message()).retain).toBe(false);
});

it("[MQTT-3.3.1-13] with Retain As Published a live message has the RETAIN of its publisher", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, retainAsPublished: true }]);
  for (const retain of [true, false]) {
    client.publish({ topic, retain });
    expect((await client.message()).retain).toBe(retain);
  }
});

it("[MQTT-3.8.4-8] a retained message has the lower of its QoS and the subscription's", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, retain: true });
  for (const [asked, sent] of [
    [0, 0],
    [1, 1],
    [2, 1],
  ] as const) {
    await client.subscribe([{ filter: topic, qos: asked }]);
    expect((await client.message()).qos).toBe(sent);
  }
});

it("[MQTT-3.8.3-3] with No Local, no retained message of one's own comes", async ({ broker }) => {
  const [own, others] = [broker.topic("1"), broker.topic("2")];
  const client = await broker.connect(5);
  await client.publishSafely({ topic: own, retain: true, payload: "own" });
  await (await broker.connect(5)).publishSafely({ topic: others, retain: true, payload: "other" });
  await client.subscribe([{ filter: broker.topic("+"), noLocal: true }]);
  expect(String((await client.message()).payload)).toBe("other");
  await client.subscribe([{ filter: broker.topic("+") }]);
  expect([String((await client.message()).payload), String((await client.message()).payload)].sort()).toEqual([
    "other",
    "own",
  ]);
});

it("[MQTT-3.8.3-3] with No Local, nothing of one's own comes from before a clean start", async ({ broker }) => {
  const clientId = broker.clientId();
  const will = { topic: broker.topic("will"), retain: true, payload: "own" };
  const first = await broker.connect(5, { clientId, will });
  await first.publishSafely({ topic: broker.topic("1"), retain: true, payload: "own" });
  first.publish({ topic: broker.topic("2"), qos: 2, packetId: 7, retain: true, payload: "own" });
  await first.pick("pubrec");
  const other = await broker.connect(5);
  await other.subscribe([{ filter: broker.topic("#") }]);
  while ((await other.message()).topic !== broker.topic("2")); // It was taken, and is stored now.
  const second = await broker.connect(5, { clientId });
  while ((await other.message()).topic !== will.topic);
  await other.publishSafely({ topic: broker.topic("3"), retain: true, payload: "another's" });
  await second.subscribe([{ filter: broker.topic("#"), noLocal: true }]);
  expect(String((await second.message()).payload)).toBe("another's");
  await second.ping();
});
