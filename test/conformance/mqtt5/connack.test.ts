// CONNACK, section 3.2: what the server says of itself, and of the session.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { pingreq, publish, subscribe } from "../harness/packets.ts";

it("[MQTT-3.2.0-1] CONNACK comes before any other packet, whatever came behind CONNECT", async ({ broker }) => {
  const client = await broker.open(5);
  client.send(broker.connectPacket(5), pingreq(), subscribe(5, 7, [{ filter: broker.topic() }]));
  await client.next("connack");
  await client.pick("pingresp");
  await client.pick("suback");
});

it("[MQTT-3.2.0-2] there is one CONNACK", async ({ broker }) => {
  const client = await broker.connect(5);
  await client.ping();
  client.send(broker.connectPacket(5));
  await client.ended(0x82);
});

it.for([false, true])("[MQTT-3.2.2-1] the reserved flags are 0, session present: %s", async (present, { broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: [property.sessionExpiryInterval(30)] });
  await first.leave();
  const client = await broker.connecting(5, { clientId, clean: !present });
  const { raw } = await client.nextRaw("connack");
  expect(raw[0]).toBe(0x20);
  expect(raw[2]).toBe(present ? 1 : 0);
});

it("[MQTT-3.2.2-2] [MQTT-3.1.2-4] a clean start finds no session", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: [property.sessionExpiryInterval(30)] });
  await first.leave();
  const { connack } = await broker.connectWith(5, { clientId, clean: true });
  expect(connack.sessionPresent).toBe(false);
});

it("[MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-6] says whether there is a session", async ({ broker }) => {
  const clientId = broker.clientId();
  const options = { clientId, clean: false, properties: [property.sessionExpiryInterval(30)] };
  const first = await broker.connectWith(5, options);
  expect(first.connack.sessionPresent).toBe(false);
  await first.client.leave();
  expect((await broker.connectWith(5, options)).connack.sessionPresent).toBe(true);
});

it("[MQTT-3.2.2-6] [MQTT-3.2.2-7] a refusal has no session present, and ends the connection", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: [property.sessionExpiryInterval(30)] });
  await first.leave();
  const client = await broker.connecting(5, { clientId, clean: false, password: "wrong" });
  await client.refused(0x86, 0x87);
});

it("[MQTT-3.2.2-8] refusals use reason codes of CONNACK", async ({ broker }) => {
  const wrong = await broker.connecting(5, { password: "wrong" });
  await wrong.refused(0x86, 0x87);
  const malformed = await broker.connecting(5, { flags: 0xc3 });
  await malformed.refused(0x81);
  const unknown = await broker.connecting(5, { properties: [property.authenticationMethod("no such method")] });
  await unknown.refused(0x8c, 0x87);
});

it("[MQTT-3.2.2-9] a server of QoS 2 announces no lower maximum", async ({ broker }) => {
  const { connack } = await broker.connectWith(5);
  expect(connack.properties?.maximumQoS).toBeUndefined();
});

it("[MQTT-3.2.2-16] assigned client ids are unique", async ({ broker }) => {
  const connacks = await Promise.all(
    Array.from({ length: 5 }, async () => await broker.connectWith(5, { clientId: "" })),
  );
  const ids = connacks.map(({ connack }) => connack.properties?.assignedClientIdentifier);
  expect(ids.every((id) => typeof id === "string" && id !== "")).toBe(true);
  expect(new Set(ids).size).toBe(5);
});

it("[MQTT-3.2.2-19] [MQTT-3.2.2-20] what explains a refusal does not exceed Maximum Packet Size", async ({
  broker,
}) => {
  const client = await broker.connecting(5, { password: "wrong", properties: [property.maximumPacketSize(12)] });
  const { raw } = await client.nextRaw("connack");
  expect(raw.length).toBeLessThanOrEqual(12);
  await client.closed();
});

it("[MQTT-3.2.2-22] without Server Keep Alive the client's own counts", async ({ broker }) => {
  const before = performance.now(); // The server counts from a later moment.
  const { client, connack } = await broker.connectWith(5, { keepAlive: 2 });
  const seconds = connack.properties?.serverKeepAlive ?? 2;
  await client.ended(0x8d);
  expect(performance.now() - before).toBeGreaterThan(seconds * 1_500);
});

it("[MQTT-3.2.2-17] [MQTT-3.2.2-18] takes every topic alias up to the maximum that it announces, and none past it", async ({
  broker,
}) => {
  const { client, connack } = await broker.connectWith(5);
  const maximum = connack.properties?.topicAliasMaximum ?? 0;
  const topic = broker.topic();
  await client.subscribe([{ filter: topic }]);
  client.send(publish(5, { topic, properties: [property.topicAlias(maximum)] }));
  await client.message();
  client.send(publish(5, { topic, properties: [property.topicAlias(maximum + 1)] }));
  await client.ended(0x94);
});
