// QoS 2 to a client, sections 3.6 and 4.3.3: what comes again, and what does not.

import { expect } from "vitest";
import { packet, property, u16, u8 } from "../harness/bytes.ts";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { acknowledge } from "../harness/packets.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] PUBLISH without DUP, then PUBREL, with one packet id", async ({
  broker,
}) => {
  const { client, messageId } = await sent(broker);
  client.send(acknowledge("pubrec", messageId));
  const { raw } = await client.nextRaw("pubrel");
  expect(raw[0]).toBe(0x62);
  expect(raw.readUInt16BE(2)).toBe(messageId);
  client.send(acknowledge("pubcomp", messageId));
  await client.ping();
});

it("[MQTT-4.3.3-3] PUBLISH comes again, with DUP, until PUBREC", async ({ broker }) => {
  const { client, clientId, messageId } = await sent(broker);
  await client.drop();
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  const again = await back.next("publish");
  expect([again.messageId, again.dup, again.qos]).toEqual([messageId, true, 2]);
});

it("[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL comes again, and PUBLISH does not, until PUBCOMP", async ({ broker }) => {
  const { client, clientId, messageId } = await sent(broker);
  client.send(acknowledge("pubrec", messageId));
  await client.next("pubrel");
  await client.drop();
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  expect((await back.next("pubrel")).messageId).toBe(messageId);
  back.send(acknowledge("pubcomp", messageId));
  await back.leave();
  const last = await broker.connect(5, { clientId, clean: false, properties: kept });
  await last.subscribe([{ filter: broker.topic("other") }]);
  await last.ping();
});

it("[MQTT-4.3.3-7] a message that has been sent does not expire", async ({ broker }) => {
  const { client, clientId, messageId } = await sent(broker, [property.messageExpiryInterval(1)]);
  await client.drop();
  await broker.keepAlivePasses(1);
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  expect((await back.next("publish")).messageId).toBe(messageId);
});

it("[MQTT-4.4.0-2] a PUBREC of 0x80 or more ends it", async ({ broker }) => {
  const { client, clientId, messageId, topic } = await sent(broker);
  client.send(acknowledge("pubrec", messageId, 0x97));
  await client.leave();
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  await back.publishSafely({ topic, payload: "marker" });
  expect(String((await back.pick("publish")).payload)).toBe("marker");
});

it("[MQTT-3.6.2-1] PUBREC of a packet id that is not in use gets PUBREL 0x92", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(acknowledge("pubrec", 1_234));
  const pubrel = await client.next("pubrel");
  expect([pubrel.messageId, pubrel.reasonCode]).toEqual([1_234, 0x92]);
});

it("[MQTT-4.6.0-4] PUBRELs come in the order of their PUBRECs", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 2 }]);
  const publisher = await broker.connect(5);
  const ids = [];
  for (let packetId = 1; packetId <= 10; packetId += 1) {
    publisher.publish({ topic, qos: 2, packetId });
    await publisher.next("pubrec");
    publisher.send(acknowledge("pubrel", packetId));
    await publisher.next("pubcomp");
    ids.push((await client.next("publish")).messageId ?? 0);
  }
  for (const id of ids) client.send(acknowledge("pubrec", id));
  for (const id of ids) expect((await client.next("pubrel")).messageId).toBe(id);
});

it("[MQTT-4.9.0-2] an unreleased message holds its place in the window until PUBCOMP", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.receiveMaximum(1)] });
  await client.subscribe([{ filter: topic, qos: 2 }]);
  const publisher = await broker.connect(5);
  for (const packetId of [1, 2]) {
    publisher.publish({ topic, qos: 2, packetId, payload: `${packetId}` });
    await publisher.next("pubrec");
    publisher.send(acknowledge("pubrel", packetId));
    await publisher.next("pubcomp");
  }
  const { messageId = 0 } = await client.next("publish");
  client.send(acknowledge("pubrec", messageId));
  await client.next("pubrel");
  await client.subscribe([{ filter: broker.topic("other") }]);
  await client.ping();
  client.send(acknowledge("pubcomp", messageId));
  expect(String((await client.next("publish")).payload)).toBe("2");
});

it.for([
  ["[MQTT-3.5.2-2] [MQTT-3.5.2-3]", "PUBREC"],
  ["[MQTT-3.6.2-2] [MQTT-3.6.2-3]", "PUBREL"],
  ["[MQTT-3.7.2-2] [MQTT-3.7.2-3]", "PUBCOMP"],
] as const)("%s %s of QoS 2 is within Maximum Packet Size", async ([, kind], { broker }) => {
  const probe = await broker.connecting(5);
  const maximum = (await probe.nextRaw("connack")).raw.length;
  const client = await broker.connect(5, { properties: [property.maximumPacketSize(maximum)] });
  if (kind === "PUBREC") client.publish({ topic: broker.topic(), qos: 2, packetId: 1 });
  if (kind === "PUBREL") client.send(packet(0x50, u16(1), u8(0)));
  if (kind === "PUBCOMP") client.send(packet(0x62, u16(1), u8(0)));
  const { raw } = await client.nextRaw(({ PUBREC: "pubrec", PUBREL: "pubrel", PUBCOMP: "pubcomp" } as const)[kind]);
  expect(raw.length).toBeLessThanOrEqual(maximum);
});

/** A client with a session that outlives it, to which a message of QoS 2 has just come. */
async function sent(broker: Broker, properties: readonly Uint8Array[] = []) {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const client = await broker.connect(5, { clientId, properties: kept });
  await client.subscribe([{ filter: topic, qos: 2 }]);
  const publisher = await broker.connect(5);
  publisher.publish({ topic, qos: 2, packetId: 1, properties });
  await publisher.next("pubrec");
  publisher.send(acknowledge("pubrel", 1));
  await publisher.next("pubcomp");
  const { messageId = 0, qos, dup } = await client.next("publish");
  expect({ qos, dup, used: messageId > 0 }).toEqual({ qos: 2, dup: false, used: true });
  return { client, clientId, topic, messageId };
}
