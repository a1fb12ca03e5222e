// PUBLISH of 3.1.1 and its hand-shakes, sections 3.3 to 3.7 and 4.3 to 4.6.

import { expect } from "vitest";
import { hex, packet, u16 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, publish } from "../harness/packets.ts";

it("[MQTT311-3.3.1-2] DUP at QoS 0 is a protocol violation", async ({ broker }) => {
  const client = await broker.connect(4);
  client.publish({ topic: broker.topic(), dup: true });
  await client.ended();
});

it("[MQTT311-3.3.1-3] DUP of a publisher is not passed on", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  client.publish({ topic, qos: 1, packetId: 9, dup: true });
  expect((await client.pick("publish")).dup).toBe(false);
});

it("[MQTT311-3.3.1-4] QoS 3 closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.publish({ topic: broker.topic(), qos: 3 });
  await client.ended();
});

it("[MQTT311-3.3.2-1] a topic of ill-formed UTF-8 closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.publish({ topic: hex("c328") });
  await client.ended();
});

it.for(["a/#", "+", "a+b"])(
  "[MQTT311-3.3.2-2] [MQTT311-4.7.1-1] the topic %s closes the connection",
  async (topic, { broker }) => {
    const client = await broker.connect(4);
    client.publish({ topic });
    await client.ended();
  },
);

it("[MQTT311-3.3.2-3] a message has the topic that its publisher gave it", async ({ broker }) => {
  const client = await broker.connect(4);
  await client.subscribe([{ filter: broker.topic("+/b/#") }]);
  client.publish({ topic: broker.topic("a/b/c") });
  expect((await client.message()).topic).toBe(broker.topic("a/b/c"));
});

it("[MQTT311-1.5.3-3] a byte order mark in a topic stays", async ({ broker }) => {
  const topic = broker.topic("\uFEFFa");
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic }]);
  client.publish({ topic: broker.topic("a") });
  client.publish({ topic, payload: "marker" });
  const { raw } = await client.nextRaw("publish");
  expect(raw).toEqual(Buffer.from(publish(4, { topic, payload: "marker" })));
});

it("[MQTT311-2.3.1-5] [MQTT311-4.3.1-1] QoS 0 has no packet id and no DUP", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic, qos: 2 }]);
  client.publish({ topic, payload: "x" });
  expect((await client.nextRaw("publish")).raw).toEqual(Buffer.from(publish(4, { topic, payload: "x" })));
});

it.for([1, 2])("[MQTT311-2.3.1-1] packet id 0 at QoS %i closes the connection", async (qos, { broker }) => {
  const client = await broker.connect(4);
  client.publish({ topic: broker.topic(), qos, packetId: 0 });
  await client.ended();
});

it("[MQTT311-3.3.4-1] [MQTT311-2.3.1-6] QoS 0 is answered by nothing, 1 by PUBACK, 2 by PUBREC, with its packet id", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  client.publish({ topic });
  await client.ping();
  client.publish({ topic, qos: 1, packetId: 11 });
  expect((await client.nextRaw("puback")).raw.toString("hex")).toBe("4002000b");
  client.publish({ topic, qos: 2, packetId: 12 });
  expect((await client.nextRaw("pubrec")).raw.toString("hex")).toBe("5002000c");
  client.send(acknowledge("pubrel", 12));
  expect((await client.nextRaw("pubcomp")).raw.toString("hex")).toBe("7002000c");
});

it("[MQTT311-3.3.5-1] overlapping subscriptions deliver at the highest of their QoS", async ({ broker }) => {
  const topic = broker.topic("a/b");
  const client = await broker.connect(4);
  await client.subscribe([
    { filter: broker.topic("a/+"), qos: 1 },
    { filter: broker.topic("#"), qos: 0 },
  ]);
  const publisher = await broker.connect(4);
  await publisher.publishSafely({ topic, payload: "overlap" });
  await publisher.publishSafely({ topic, payload: "marker" });
  const copies = [];
  for (;;) {
    const message = await client.message();
    if (String(message.payload) === "marker") break;
    copies.push(message.qos);
  }
  expect(Math.max(...copies)).toBe(1);
});

it.for([0x60, 0x61, 0x63, 0x6a])(
  "[MQTT311-3.6.1-1] PUBREL with the first byte %i closes the connection",
  async (first, { broker }) => {
    const client = await broker.connect(4);
    client.send(packet(first, u16(1)));
    await client.ended();
  },
);

it("[MQTT311-4.3.2-1] messages in flight have packet ids of their own, and no DUP", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(4);
  const ids = new Set<number>();
  for (let count = 0; count < 10; count += 1) {
    publisher.publish({ topic, qos: 1, packetId: count + 1 });
    const { messageId = 0, dup, qos } = await client.next("publish");
    expect({ dup, qos }).toEqual({ dup: false, qos: 1 });
    ids.add(messageId);
  }
  expect([ids.size, ids.has(0)]).toEqual([10, false]);
});

it("[MQTT311-4.3.2-2] a packet id that was acknowledged names a new message", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic, qos: 1 }]);
  const client = await broker.connect(4);
  for (const payload of ["first", "second"]) {
    client.publish({ topic, qos: 1, packetId: 5, payload, dup: payload === "second" });
    await client.next("puback");
    expect(String((await watcher.message()).payload)).toBe(payload);
  }
});

it("[MQTT311-4.3.3-1] QoS 2 to a client: PUBLISH without DUP, PUBREL with its packet id", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic, qos: 2 }]);
  const publisher = await broker.connect(4);
  publisher.publish({ topic, qos: 2, packetId: 1 });
  await publisher.next("pubrec");
  publisher.send(acknowledge("pubrel", 1));
  await publisher.next("pubcomp");
  const { messageId = 0, dup, qos } = await client.next("publish");
  expect({ dup, qos }).toEqual({ dup: false, qos: 2 });
  client.send(acknowledge("pubrec", messageId));
  const { raw } = await client.nextRaw("pubrel");
  expect([raw[0], raw[1], raw.readUInt16BE(2)]).toEqual([0x62, 2, messageId]);
});

it("[MQTT311-4.3.3-2] QoS 2 from a client is delivered once, and its packet id is free behind PUBCOMP", async ({
  broker,
}) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  const client = await broker.connect(4);
  for (const payload of ["first", "second"]) {
    for (const dup of [false, true]) {
      client.publish({ topic, qos: 2, packetId: 3, payload, dup });
      await client.next("pubrec");
    }
    client.send(acknowledge("pubrel", 3));
    await client.next("pubcomp");
  }
  for (const payload of ["first", "second"]) expect(String((await watcher.message()).payload)).toBe(payload);
  await client.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT311-4.6.0-2] [MQTT311-4.6.0-3] [MQTT311-4.6.0-4] answers come in the order of what they answer", async ({
  broker,
}) => {
  const client = await broker.connect(4);
  const ids = Array.from({ length: 20 }, (_, index) => index + 1);
  for (const packetId of ids) client.publish({ topic: broker.topic(`${packetId % 5}`), qos: 1, packetId });
  for (const packetId of ids) expect((await client.next("puback")).messageId).toBe(packetId);
  for (const packetId of ids) client.publish({ topic: broker.topic(`${packetId % 5}`), qos: 2, packetId });
  for (const packetId of ids) expect((await client.next("pubrec")).messageId).toBe(packetId);
});

it("[MQTT311-4.6.0-5] [MQTT311-4.6.0-6] messages of one publisher and topic come in their order", async ({
  broker,
}) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(4);
  const sent = Array.from({ length: 50 }, (_, index) => String(index));
  for (const [index, payload] of sent.entries()) publisher.publish({ topic, qos: 1, packetId: index + 1, payload });
  for (const payload of sent) expect(String((await watcher.message()).payload)).toBe(payload);
});
