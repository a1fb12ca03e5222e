// PUBLISH from a client and to a client, section 3.3: its flags, its topic, its payload.

import { expect } from "vitest";
import { field, hex, packet, property, properties, u16, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { publish } from "../harness/packets.ts";

it("[MQTT-3.3.1-1] [MQTT-4.4.0-1] [MQTT-4.3.2-3] what was not acknowledged comes again with DUP and its packet id", async ({
  broker,
}) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const kept = [property.sessionExpiryInterval(60)];
  const first = await broker.connect(5, { clientId, properties: kept });
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  const before = await first.next("publish");
  expect(before.dup).toBe(false);
  await first.drop();
  const second = await broker.connect(5, { clientId, clean: false, properties: kept });
  const again = await second.next("publish");
  expect(again).toMatchObject({ dup: true, messageId: before.messageId, qos: 1 });
});

it("[MQTT-4.4.0-1] nothing is sent again while the connection lasts", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "1" });
  await client.next("publish");
  await broker.keepAlivePasses(1);
  await publisher.publishSafely({ topic, payload: "2" });
  expect(String((await client.next("publish")).payload)).toBe("2");
});

it("[MQTT-3.3.1-2] DUP at QoS 0 is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: broker.topic(), dup: true });
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.3.1-3] DUP of a publisher is not passed on", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  client.publish({ topic, qos: 1, packetId: 9, dup: true });
  expect((await client.pick("publish")).dup).toBe(false);
});

it("[MQTT-3.3.1-4] QoS 3 is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: broker.topic(), qos: 3 });
  await client.ended(0x81);
});

it("[MQTT-2.2.1-2] [MQTT-4.3.1-1] QoS 0 has no packet id and no DUP", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 2 }]);
  client.publish({ topic, payload: "x" });
  const { raw } = await client.nextRaw("publish");
  expect(raw).toEqual(Buffer.from(publish(5, { topic, payload: "x" })));
});

it.for([1, 2])("[MQTT-2.2.1-3] packet id 0 at QoS %i is refused", async (qos, { broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: broker.topic(), qos, packetId: 0 });
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.3.2-1] PUBLISH without a topic is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0x30));
  await client.ended(0x81);
});

it("[MQTT-3.3.2-1] a topic of ill-formed UTF-8 is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: hex("c328") });
  await client.ended(0x81);
});

it.for(["a/#", "a/+", "#", "+", "a+b"])(
  "[MQTT-3.3.2-2] [MQTT-4.7.0-1] the topic %s is refused",
  async (topic, { broker }) => {
    const client = await broker.connect(5);
    client.publish({ topic });
    await client.ended(0x90, 0x81, 0x82);
  },
);

it("[MQTT-3.3.2-3] a message has the topic that its publisher gave it", async ({ broker }) => {
  const client = await broker.connect(5);
  await client.subscribe([{ filter: broker.topic("+/b/#") }]);
  client.publish({ topic: broker.topic("a/b/c"), payload: "x" });
  expect((await client.message()).topic).toBe(broker.topic("a/b/c"));
});

it("[MQTT-1.5.4-3] a byte order mark in a topic stays", async ({ broker }) => {
  const topic = broker.topic("\uFEFFa\uFEFF");
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic: broker.topic("a"), payload: "another topic" });
  client.publish({ topic, payload: "marker" });
  const { raw } = await client.nextRaw("publish");
  expect(raw).toEqual(Buffer.from(publish(5, { topic, payload: "marker" })));
});

it.for([0, 1, 127, 128, 16_383, 16_384, 200_000])(
  "[MQTT-1.5.5-1] a payload of %i bytes comes whole",
  async (size, { broker }) => {
    const topic = broker.topic();
    const client = await broker.connect(5);
    await client.subscribe([{ filter: topic }]);
    const payload = Uint8Array.from({ length: size }, (_, index) => index % 251);
    client.publish({ topic, payload });
    const { raw } = await client.nextRaw("publish");
    expect(raw.equals(Buffer.from(publish(5, { topic, payload })))).toBe(true);
  },
);

it("[MQTT-3.3.4-1] QoS 0 is answered by nothing, QoS 1 by PUBACK, QoS 2 by PUBREC", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  client.publish({ topic });
  await client.ping();
  client.publish({ topic, qos: 1, packetId: 11 });
  expect((await client.next("puback")).messageId).toBe(11);
  client.publish({ topic, qos: 2, packetId: 12 });
  expect((await client.next("pubrec")).messageId).toBe(12);
});

it("[MQTT-2.2.2-1] PUBLISH whose properties are cut off is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0x30, field(broker.topic()), u8(5), hex("01")));
  await client.ended(0x81);
});

it("[MQTT-4.3.2-4] [MQTT-2.2.1-5] PUBACK has the packet id of its PUBLISH", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  for (const packetId of [1, 500, 65_535]) {
    client.send(packet(0x32, field(topic), u16(packetId), properties([])));
    expect((await client.next("puback")).messageId).toBe(packetId);
  }
});

it("[MQTT-4.3.2-5] a packet id that was acknowledged names a new message, even with DUP", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 1 }]);
  const client = await broker.connect(5);
  client.publish({ topic, qos: 1, packetId: 5, payload: "first" });
  await client.next("puback");
  client.publish({ topic, qos: 1, packetId: 5, payload: "second", dup: true });
  await client.next("puback");
  expect(String((await watcher.message()).payload)).toBe("first");
  expect(String((await watcher.message()).payload)).toBe("second");
});

it("[MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-2.2.1-4] messages in flight have packet ids of their own, above 0, and no DUP", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  const ids = new Set<number>();
  for (let count = 0; count < 10; count += 1) {
    publisher.publish({ topic, qos: 1, packetId: count + 1 });
    const { messageId = 0, dup, qos } = await client.next("publish");
    expect({ dup, qos }).toEqual({ dup: false, qos: 1 });
    ids.add(messageId);
  }
  expect(ids.size).toBe(10);
  expect(ids.has(0)).toBe(false);
});

it("[MQTT-3.4.2-1] PUBACK has a reason code of its own", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  expect([0x00, 0x10]).toContain((await client.publishSafely({ topic })).reasonCode ?? 0);
  await client.subscribe([{ filter: topic }]);
  expect((await client.publishSafely({ topic })).reasonCode ?? 0).toBe(0);
});

it("[MQTT-3.4.2-1] a PUBACK whose reason code does not exist is refused", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  const { messageId = 0 } = await client.next("publish");
  client.send(packet(0x40, u16(messageId), u8(0x01)));
  await client.ended(0x81, 0x82);
});

it("[MQTT-4.4.0-2] a message that the client refused at PUBACK does not come again", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const options = { clientId, clean: false, properties: [property.sessionExpiryInterval(60)] };
  const first = await broker.connect(5, options);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "refused" });
  const { messageId = 0 } = await first.next("publish");
  first.send(packet(0x40, u16(messageId), u8(0x97)));
  await first.leave();
  const second = await broker.connect(5, options);
  await publisher.publishSafely({ topic, payload: "marker" });
  expect(String((await second.message()).payload)).toBe("marker");
});

it("[MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of one publisher and topic come in their order", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  const sent = Array.from({ length: 100 }, (_, index) => String(index));
  for (const [index, payload] of sent.entries()) publisher.publish({ topic, qos: 1, packetId: index + 1, payload });
  const received = [];
  while (received.length < sent.length) received.push(String((await watcher.message()).payload));
  expect(received).toEqual(sent);
});

it("[MQTT-4.6.0-2] PUBACKs come in the order of their PUBLISHes", async ({ broker }) => {
  const client = await broker.connect(5);
  const ids = Array.from({ length: 50 }, (_, index) => index + 1);
  for (const packetId of ids) client.publish({ topic: broker.topic(String(packetId % 7)), qos: 1, packetId });
  const answered = [];
  while (answered.length < ids.length) answered.push((await client.next("puback")).messageId);
  expect(answered).toEqual(ids);
});

it("[MQTT-4.6.0-1] what is sent again comes in its first order", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const options = { clientId, clean: false, properties: [property.sessionExpiryInterval(60)] };
  const first = await broker.connect(5, options);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  const sent = ["a", "b", "c", "d", "e"];
  for (const payload of sent) await publisher.publishSafely({ topic, payload });
  for (const payload of sent) expect(String((await first.next("publish")).payload)).toBe(payload);
  await first.drop();
  const second = await broker.connect(5, options);
  for (const payload of sent) {
    const again = await second.message();
    expect({ payload: String(again.payload), dup: again.dup }).toEqual({ payload, dup: true });
  }
});
