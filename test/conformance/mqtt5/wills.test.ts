// Will messages, sections 3.1.2.5 to 3.1.2.7, 3.1.3.2 and 3.14.4.

import { expect } from "vitest";
import { join, property } from "../harness/bytes.ts";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import type { RawClient } from "../harness/raw-client.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-3.1.2-7] [MQTT-3.1.2-8] a will is published when the connection fails", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic, payload: "gone" } });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("gone");
});

it("[MQTT-3.1.2-8] a will is published when the server ends the connection for a protocol error", async ({
  broker,
}) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic, payload: "ended" } });
  client.publish({ topic: "" });
  await client.ended(0x82);
  expect(String((await watcher.message()).payload)).toBe("ended");
});

it("[MQTT-3.1.2-8] a will is published when keep alive has passed", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { keepAlive: 1, will: { topic, payload: "silent" } });
  await client.ended(0x8d);
  expect(String((await watcher.message()).payload)).toBe("silent");
});

it("[MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT 0x00 discards the will", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const clientId = broker.clientId();
  const client = await broker.connect(5, { clientId, will: { topic, payload: "unwanted" } });
  await client.leave(0x00);
  await expectMarkerNext(broker, watcher, topic, clientId);
});

it("[MQTT-3.1.2-10] a will is published once", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const clientId = broker.clientId();
  const client = await broker.connect(5, { clientId, properties: kept, will: { topic, payload: "once" } });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("once");
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  await back.drop();
  await expectMarkerNext(broker, watcher, topic, clientId);
});

it("[MQTT-3.1.2-8] DISCONNECT 0x04 asks for the will", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic, payload: "asked for" } });
  await client.leave(0x04);
  expect(String((await watcher.message()).payload)).toBe("asked for");
});

it("[MQTT-3.1.2-8] a will whose delay has passed is published", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const will = { topic, payload: "delayed", properties: [property.willDelayInterval(1)] };
  const client = await broker.connect(5, { properties: kept, will });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("delayed");
});

it("[MQTT-3.1.2-8] the end of the session publishes a will whose delay is longer", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const will = { topic, payload: "at the end", properties: [property.willDelayInterval(3_600)] };
  const client = await broker.connect(5, { properties: [property.sessionExpiryInterval(1)], will });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("at the end");
});

it("[MQTT-3.1.3-9] a return within the delay takes the will back", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const clientId = broker.clientId();
  const will = { topic, payload: "unwanted", properties: [property.willDelayInterval(1)] };
  const client = await broker.connect(5, { clientId, properties: kept, will });
  await client.drop();
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  await broker.keepAlivePasses(1);
  await back.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT-3.1.2-14] a will without retain is not retained", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic } });
  await client.drop();
  expect((await watcher.message()).retain).toBe(false);
  const late = await broker.connect(5);
  await late.subscribe([{ filter: topic }]);
  await late.publishSafely({ topic, payload: "marker" });
  expect(String((await late.message()).payload)).toBe("marker");
});

it("[MQTT-3.1.2-15] a will with retain is retained", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic, payload: "kept", retain: true } });
  await client.drop();
  await watcher.message();
  const late = await broker.connect(5);
  await late.subscribe([{ filter: topic }]);
  const message = await late.message();
  expect([String(message.payload), message.retain]).toEqual(["kept", true]);
});

it.for([0, 1, 2])("[MQTT-3.1.2-12] [MQTT-3.2.2-12] a will may have QoS %i", async (qos, { broker }) => {
  const [topic, watcher] = await watched(broker);
  const client = await broker.connect(5, { will: { topic, qos } });
  await client.drop();
  expect((await watcher.message()).qos).toBe(qos);
});

it("[MQTT-3.2.2-13] where retained messages are available, a retained will is taken", async ({ broker }) => {
  const { connack } = await broker.connectWith(5, { will: { topic: broker.topic(), retain: true } });
  expect(connack.properties?.retainAvailable ?? true).toBe(true);
});

it("[MQTT-3.1.3-10] a will keeps its properties, user properties in their order", async ({ broker }) => {
  const [topic, watcher] = await watched(broker);
  const userProperties = [
    property.userProperty("b", "1"),
    property.userProperty("a", "2"),
    property.userProperty("b", "0"),
  ];
  const others = [
    property.payloadFormatIndicator(1),
    property.contentType("text/plain"),
    property.responseTopic("answer"),
  ];
  const client = await broker.connect(5, { will: { topic, properties: [...others, ...userProperties] } });
  await client.drop();
  const { raw } = await watcher.nextRaw("publish");
  for (const each of others) expect(raw.includes(Buffer.from(each))).toBe(true);
  expect(raw.includes(Buffer.from(join(...userProperties)))).toBe(true);
});

it.for(["a/#", "+", ""])("[MQTT-3.1.4-1] a will to the topic '%s' is refused", async (topic, { broker }) => {
  const client = await broker.connecting(5, { will: { topic } });
  await client.refused(0x81, 0x82, 0x90);
});

async function watched(broker: Broker): Promise<[string, RawClient]> {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  return [topic, watcher];
}

/** The session of `clientId` has heard of its last connection's end when it is there again: a will would have come first. */
async function expectMarkerNext(broker: Broker, watcher: RawClient, topic: string, clientId: string): Promise<void> {
  const back = await broker.connect(5, { clientId, clean: false });
  await back.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
}
