// AUTH, section 3.15, where no enhanced authentication was asked for, or with a method that there is not.

import { expect } from "vitest";
import { packet, property, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { auth } from "../harness/packets.ts";

it("[MQTT-4.12.0-1] an authentication method that the server does not have is refused", async ({ broker }) => {
  const client = await broker.connecting(5, { properties: [property.authenticationMethod("no such method")] });
  await client.refused(0x8c, 0x87);
});

it("[MQTT-4.12.0-6] without a method CONNACK has none, and no AUTH comes", async ({ broker }) => {
  const { client, connack } = await broker.connectWith(5);
  expect(connack.properties?.authenticationMethod).toBeUndefined();
  await client.ping();
});

it("[MQTT-4.12.0-7] AUTH of a client that had no method is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(auth(0x18, [property.authenticationMethod("SCRAM-SHA-256")]));
  await client.ended(0x82);
});

it("[MQTT-4.12.1-1] re-authentication of a client that had no method is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(auth(0x19, [property.authenticationMethod("SCRAM-SHA-256")]));
  await client.ended(0x82);
});

it.for([0xf1, 0xf2, 0xf4, 0xf8])(
  "[MQTT-3.15.1-1] AUTH with the first byte %i is malformed",
  async (first, { broker }) => {
    const client = await broker.connect(5);
    client.send(packet(first, u8(0x18), u8(0)));
    await client.ended(0x81);
  },
);

it("[MQTT-3.15.2-1] AUTH with a reason code that it does not have is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(auth(0x80, [property.authenticationMethod("SCRAM-SHA-256")]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.1.0-1] AUTH before CONNECT ends the connection without an answer", async ({ broker }) => {
  const client = await broker.open(5);
  client.send(auth(0x18, [property.authenticationMethod("SCRAM-SHA-256")]));
  await client.closed();
});
