// QoS 2 from a client, sections 3.5, 3.7 and 4.3.3: once, whatever is sent again.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, publish } from "../harness/packets.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] PUBREC and PUBCOMP have the packet id of PUBLISH", async ({
  broker,
}) => {
  const client = await broker.connect(5);
  for (const packetId of [1, 4_711, 65_535]) {
    client.publish({ topic: broker.topic(), qos: 2, packetId });
    const pubrec = await client.next("pubrec");
    expect([pubrec.messageId, (pubrec.reasonCode ?? 0) & ~0x10]).toEqual([packetId, 0]);
    client.send(acknowledge("pubrel", packetId));
    const pubcomp = await client.next("pubcomp");
    expect([pubcomp.messageId, pubcomp.reasonCode ?? 0]).toEqual([packetId, 0]);
  }
});

it("[MQTT-2.2.1-3] the packet id of a message that is not released is in use", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: broker.topic(), qos: 2, packetId: 4 });
  await client.next("pubrec");
  client.publish({ topic: broker.topic(), qos: 1, packetId: 4 });
  expect((await client.next("puback")).reasonCode).toBe(0x91);
});

it("[MQTT-4.3.3-10] a PUBLISH that comes again is answered again, and delivered once", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  const client = await broker.connect(5);
  for (const dup of [false, true, true]) {
    client.publish({ topic, qos: 2, packetId: 3, payload: "once", dup });
    expect((await client.next("pubrec")).messageId).toBe(3);
  }
  client.send(acknowledge("pubrel", 3));
  await client.next("pubcomp");
  client.publish({ topic, qos: 2, packetId: 4, payload: "marker" });
  await client.next("pubrec");
  client.send(acknowledge("pubrel", 4));
  await client.next("pubcomp");
  expect(String((await watcher.message()).payload)).toBe("once");
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT-4.3.3-10] a PUBLISH that comes again over a new connection is delivered once", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  const first = await broker.connect(5, { clientId, properties: kept });
  first.publish({ topic, qos: 2, packetId: 8, payload: "once" });
  await first.next("pubrec");
  await first.drop();
  const second = await broker.connect(5, { clientId, clean: false, properties: kept });
  second.publish({ topic, qos: 2, packetId: 8, payload: "once", dup: true });
  expect((await second.next("pubrec")).messageId).toBe(8);
  second.send(acknowledge("pubrel", 8));
  await second.next("pubcomp");
  await second.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("once");
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT-4.3.3-12] a packet id that was completed names a new message", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  const client = await broker.connect(5);
  for (const payload of ["first", "second"]) {
    client.publish({ topic, qos: 2, packetId: 5, payload, dup: payload === "second" });
    await client.next("pubrec");
    client.send(acknowledge("pubrel", 5));
    await client.next("pubcomp");
    expect(String((await watcher.message()).payload)).toBe(payload);
  }
});

it("[MQTT-4.3.3-9] behind a PUBREC that refuses, the packet id names a new message", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  const client = await broker.connect(5);
  // The packet id is in use by the first when the second comes, which a server may refuse or take.
  client.send(
    publish(5, { topic, qos: 1, packetId: 5, payload: "first" }),
    publish(5, { topic, qos: 2, packetId: 5, payload: "second" }),
  );
  const expected = ["first"];
  await client.pick("puback");
  if (((await client.pick("pubrec")).reasonCode ?? 0) >= 0x80) {
    client.publish({ topic, qos: 2, packetId: 5, payload: "third" });
    expect((await client.next("pubrec")).reasonCode ?? 0).toBeLessThan(0x80);
    expected.push("third");
  } else {
    expected.push("second");
  }
  client.send(acknowledge("pubrel", 5));
  await client.next("pubcomp");
  for (const payload of expected) expect(String((await watcher.message()).payload)).toBe(payload);
});

it("[MQTT-3.5.2-1] PUBREC has a reason code of its own", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: broker.topic(), qos: 2, packetId: 1 });
  expect([0x00, 0x10]).toContain((await client.next("pubrec")).reasonCode ?? 0);
});

it("[MQTT-3.7.2-1] PUBREL of a packet id that is not in use gets PUBCOMP 0x92", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(acknowledge("pubrel", 1_234));
  const pubcomp = await client.next("pubcomp");
  expect([pubcomp.messageId, pubcomp.reasonCode]).toEqual([1_234, 0x92]);
});

it("[MQTT-4.3.3-13] the exchange is completed though the message has expired", async ({ broker }) => {
  const client = await broker.connect(5);
  const properties = [property.messageExpiryInterval(1)];
  client.publish({ topic: broker.topic(), qos: 2, packetId: 6, properties });
  await client.next("pubrec");
  await broker.keepAlivePasses(1);
  client.send(acknowledge("pubrel", 6));
  expect((await client.next("pubcomp")).reasonCode ?? 0).toBe(0);
});

it("[MQTT-4.6.0-3] PUBRECs come in the order of their PUBLISHes", async ({ broker }) => {
  const client = await broker.connect(5);
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  for (const packetId of ids) client.publish({ topic: broker.topic(`${packetId % 5}`), qos: 2, packetId });
  for (const packetId of ids) expect((await client.next("pubrec")).messageId).toBe(packetId);
  for (const packetId of ids) client.send(acknowledge("pubrel", packetId));
  for (const packetId of ids) expect((await client.next("pubcomp")).messageId).toBe(packetId);
});
