// Enhanced authentication, sections 3.15 and 4.12, with SCRAM-SHA-256.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { auth, pingreq } from "../harness/packets.ts";
import type { RawClient } from "../harness/raw-client.ts";
import { ScramClient } from "../harness/scram.ts";

const METHOD = "SCRAM-SHA-256";

it("[MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1] AUTH 0x18 and CONNACK carry the client's method", async ({
  broker,
}) => {
  const { client, scram } = await begin(broker);
  const challenge = await client.next("auth");
  expect([challenge.reasonCode, challenge.properties?.authenticationMethod]).toEqual([0x18, METHOD]);
  client.send(step(0x18, scram.final(String(challenge.properties?.authenticationData))));
  const connack = await client.next("connack");
  expect([connack.reasonCode, connack.properties?.authenticationMethod]).toEqual([0, METHOD]);
  expect(String(connack.properties?.authenticationData)).toBe(scram.serverFinal);
});

it("[MQTT-4.12.0-4] [MQTT-3.1.4-2] a wrong password is refused and closed", async ({ broker }) => {
  const { client, scram } = await begin(broker, "not the password");
  const challenge = await client.next("auth");
  client.send(step(0x18, scram.final(String(challenge.properties?.authenticationData))));
  await client.refused(0x86, 0x87);
});

it("[MQTT-4.12.0-3] AUTH that continues nothing is refused", async ({ broker }) => {
  const { client } = await begin(broker);
  await client.next("auth");
  client.send(step(0x19, "x"));
  await client.refused(0x81, 0x82);
});

it("[MQTT-4.12.0-5] AUTH with another method is refused", async ({ broker }) => {
  const { client, scram } = await begin(broker);
  const challenge = await client.next("auth");
  const data = scram.final(String(challenge.properties?.authenticationData));
  client.send(auth(0x18, [property.authenticationMethod("OTHER"), property.authenticationData(data)]));
  await client.refused(0x81, 0x82, 0x8c);
});

it("[MQTT-3.1.2-30] another packet while authentication is under way is refused", async ({ broker }) => {
  const { client } = await begin(broker);
  await client.next("auth");
  client.send(pingreq());
  await client.refusedOrClosed(0x82);
});

it("[MQTT-3.15.2-2] [MQTT-3.15.2-3] AUTH is within Maximum Packet Size", async ({ broker }) => {
  const { client } = await begin(broker, undefined, [property.maximumPacketSize(256)]);
  expect((await client.nextRaw("auth")).raw.length).toBeLessThanOrEqual(256);
});

it("[MQTT-4.12.1-1] a client may authenticate again", async ({ broker }) => {
  const client = await authenticated(broker);
  const scram = new ScramClient(broker.access.username, broker.access.password);
  client.send(step(0x19, scram.first()));
  const challenge = await client.next("auth");
  expect(challenge.reasonCode).toBe(0x18);
  client.send(step(0x18, scram.final(String(challenge.properties?.authenticationData))));
  const done = await client.next("auth");
  expect([done.reasonCode, String(done.properties?.authenticationData)]).toEqual([0x00, scram.serverFinal]);
  await client.ping();
});

it("[MQTT-4.12.1-1] re-authentication with another method is a protocol error", async ({ broker }) => {
  const client = await authenticated(broker);
  client.send(auth(0x19, [property.authenticationMethod("OTHER"), property.authenticationData("x")]));
  await client.ended(0x82, 0x8c);
});

it("[MQTT-4.12.1-2] re-authentication that fails ends the connection", async ({ broker }) => {
  const client = await authenticated(broker);
  const scram = new ScramClient(broker.access.username, "not the password");
  client.send(step(0x19, scram.first()));
  const challenge = await client.next("auth");
  client.send(step(0x18, scram.final(String(challenge.properties?.authenticationData))));
  await client.ended(0x86, 0x87);
});

function step(reasonCode: number, data: string): Uint8Array {
  return auth(reasonCode, [property.authenticationMethod(METHOD), property.authenticationData(data)]);
}

/** CONNECT with the method and the first message, and neither user name nor password. */
async function begin(broker: Broker, password = broker.access.password, properties: readonly Uint8Array[] = []) {
  const scram = new ScramClient(broker.access.username, password);
  const method = [property.authenticationMethod(METHOD), property.authenticationData(scram.first())];
  const client = await broker.connecting(5, { anonymous: true, properties: [...method, ...properties] });
  return { client, scram };
}

async function authenticated(broker: Broker): Promise<RawClient> {
  const { client, scram } = await begin(broker);
  const challenge = await client.next("auth");
  client.send(step(0x18, scram.final(String(challenge.properties?.authenticationData))));
  expect((await client.next("connack")).reasonCode).toBe(0);
  return client;
}
