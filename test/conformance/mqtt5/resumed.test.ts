// What of a session holds when it is resumed, taken over or ended by its client in a particular way.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { acknowledge } from "../harness/packets.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-3.3.1-10] Retain Handling 1 knows the subscription of a resumed session", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.publishSafely({ topic, payload: "retained", retain: true });
  await first.subscribe([{ filter: topic, retainHandling: 1 }]);
  await first.message();
  await first.leave();
  const second = await again();
  await second.subscribe([{ filter: topic, retainHandling: 1 }]);
  await second.publishSafely({ topic, payload: "marker" });
  expect(String((await second.message()).payload)).toBe("marker");
});

it("[MQTT-3.8.3-3] No Local holds over a new connection of the session", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, noLocal: true, qos: 1 }]);
  await first.leave();
  const second = await again();
  await second.publishSafely({ topic, payload: "own" });
  const other = await broker.connect(5);
  await other.publishSafely({ topic, payload: "another's" });
  expect(String((await second.message()).payload)).toBe("another's");
});

it("[MQTT-3.3.4-3] what waited for its client has the subscription's identifier", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1 }], [property.subscriptionIdentifier(77)]);
  await first.leave();
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  expect((await (await again()).message()).properties?.subscriptionIdentifier).toBe(77);
});

it("[MQTT-3.3.1-13] what waited for its client has the RETAIN of its publisher if asked for", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1, retainAsPublished: true }]);
  await first.leave();
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, retain: true });
  await publisher.publishSafely({ topic });
  const second = await again();
  expect([(await second.message()).retain, (await second.message()).retain]).toEqual([true, false]);
});

it("[MQTT-3.10.4-2] a filter that was removed is not there when the session is resumed", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  await first.unsubscribe([topic]);
  await first.leave();
  const second = await again();
  await second.publishSafely({ topic, payload: "unwanted" });
  await second.subscribe([{ filter: topic, qos: 1 }]);
  await second.publishSafely({ topic, payload: "marker" });
  expect(String((await second.message()).payload)).toBe("marker");
});

it("[MQTT-3.1.2-24] Maximum Packet Size is that of the connection, not of the session", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  await first.leave();
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "x".repeat(500) });
  await publisher.publishSafely({ topic, payload: "small" });
  const second = await again([property.maximumPacketSize(300)]);
  expect(String((await second.message()).payload)).toBe("small");
});

it("[MQTT-3.3.4-9] Receive Maximum is that of the connection, for what comes again as well", async ({ broker }) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  for (const payload of ["1", "2", "3"]) await publisher.publishSafely({ topic, payload });
  for (const payload of ["1", "2", "3"]) expect(String((await first.next("publish")).payload)).toBe(payload);
  await first.drop();
  const second = await again([property.receiveMaximum(1)]);
  for (const payload of ["1", "2", "3"]) {
    const message = await second.next("publish");
    expect([String(message.payload), message.dup]).toEqual([payload, true]);
    await second.subscribe([{ filter: broker.topic("other") }]);
    await second.ping();
    second.send(acknowledge("puback", message.messageId ?? 0));
  }
});

it("[MQTT-3.1.4-3] who takes over a session gets what its first connection had not acknowledged", async ({
  broker,
}) => {
  const [topic, first, again] = await persistent(broker);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  const { messageId } = await first.next("publish");
  const second = await again();
  await first.ended(0x8e);
  const message = await second.next("publish");
  expect([message.messageId, message.dup]).toEqual([messageId, true]);
});

it("[MQTT-3.1.2-8] a take-over publishes the will of the connection that it ends", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic }]);
  const first = await broker.connect(5, { clientId, will: { topic, payload: "taken over" } });
  await broker.connect(5, { clientId });
  await first.ended(0x8e);
  expect(String((await watcher.message()).payload)).toBe("taken over");
});

it("[MQTT-3.1.2-8] a clean start publishes a delayed will of the session that it ends", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic }]);
  const will = { topic, payload: "the session ended", properties: [property.willDelayInterval(600)] };
  const first = await broker.connect(5, { clientId, properties: kept, will });
  await first.drop();
  await broker.connect(5, { clientId, clean: true });
  expect(String((await watcher.message()).payload)).toBe("the session ended");
});

it.for([0x80, 0x81, 0x93, 0x99])(
  "[MQTT-3.1.2-8] a client's DISCONNECT %i publishes the will",
  async (reasonCode, { broker }) => {
    const topic = broker.topic();
    const watcher = await broker.connect(5);
    await watcher.subscribe([{ filter: topic }]);
    const client = await broker.connect(5, { will: { topic, payload: "in trouble" } });
    await client.leave(reasonCode);
    expect(String((await watcher.message()).payload)).toBe("in trouble");
  },
);

it("[MQTT-3.3.2-5] a retained message that has expired is not sent to a new subscriber", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.publishSafely({ topic, payload: "old", retain: true, properties: [property.messageExpiryInterval(1)] });
  await broker.keepAlivePasses(1);
  await client.subscribe([{ filter: topic }]);
  await client.publishSafely({ topic, payload: "marker" });
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT-4.1.0-1] a PUBREL of a session that a clean start ended gets 0x92", async ({ broker }) => {
  const [topic, first, , clientId] = await persistent(broker);
  first.publish({ topic, qos: 2, packetId: 9 });
  await first.next("pubrec");
  await first.drop();
  const second = await broker.connect(5, { clientId, clean: true });
  second.send(acknowledge("pubrel", 9));
  expect((await second.next("pubcomp")).reasonCode).toBe(0x92);
});

it("[MQTT-3.8.4-3] the same filter twice in a packet leaves one subscription, the last", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  expect(
    await client.subscribe([
      { filter: topic, qos: 0 },
      { filter: topic, qos: 1 },
    ]),
  ).toEqual([0, 1]);
  await client.publishSafely({ topic, payload: "once" });
  await client.publishSafely({ topic, payload: "marker" });
  const message = await client.message();
  expect([String(message.payload), message.qos]).toEqual(["once", 1]);
  expect(String((await client.message()).payload)).toBe("marker");
});

/** A topic, a client whose session outlives it, how it comes back, and its client id. */
async function persistent(broker: Broker) {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: kept });
  const again = async (more: readonly Uint8Array[] = []) =>
    await broker.connect(5, { clientId, clean: false, properties: [...kept, ...more] });
  return [broker.topic(), first, again, clientId] as const;
}
