// Enhanced authentication at the real endpoint: MQTT 5.0 section 4.12 with SCRAM-SHA-256.

import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { makePasswordVerifier } from "../../../src/platform/secrets.ts";
import { ScramClient } from "../../unit/worker/scram-client.ts";
import type { WholeDeployment } from "../deployment/deployment-client.ts";
import { connectPacket, Device, served } from "./device.ts";

const METHOD = "SCRAM-SHA-256";
const { continueAuthentication, reauthenticate } = reasonCodes;

async function setUp(): Promise<WholeDeployment> {
  const deployment = await served();
  await deployment.object.addUser({
    username: "person",
    isSuperuser: false,
    verifier: await makePasswordVerifier("pencil"),
  });
  return deployment;
}

function auth(device: Device, reasonCode: number, data: Uint8Array, method = METHOD): void {
  const properties = { authenticationMethod: method, authenticationData: Buffer.from(data) };
  device.send({ cmd: "auth", reasonCode, properties } as never);
}

/** Has sent CONNECT with the client's first message. */
async function begun(deployment: WholeDeployment, client: ScramClient, username: string | null = null) {
  const properties = { authenticationMethod: METHOD, authenticationData: Buffer.from(client.first) };
  return Device.attempt(deployment, "c", { username, password: null, properties });
}

async function challenge(device: Device): Promise<string> {
  const { reasonCode, properties } = await device.take("auth");
  expect([reasonCode, properties?.authenticationMethod]).toEqual([continueAuthentication, METHOD]);
  return String(properties?.authenticationData);
}

async function connected(deployment: WholeDeployment): Promise<Device> {
  const client = new ScramClient("person", "pencil");
  const device = await begun(deployment, client);
  auth(device, continueAuthentication, await client.final(await challenge(device)));
  const { reasonCode, properties } = await device.take("connack");
  expect([reasonCode, properties?.authenticationMethod]).toEqual([0, METHOD]);
  expect(properties?.authenticationData?.toString()).toBe(client.serverFinal);
  return device;
}

describe("CONNECT", () => {
  it("[MQTT-4.12.0-2] [MQTT-4.12.0-5] an exchange that proves both sides connects as its user", async () => {
    const deployment = await setUp();
    const device = await connected(deployment);
    expect(await device.publish("a", "x")).toBe(0x10);
    const found = await deployment.sessionShardOf("c").findClient("c");
    expect(found.ok && found.value?.username).toBe("person");
  });

  it.each([
    ["a wrong password", "person", "wrong"],
    ["an unknown user", "nobody", "pencil"],
    ["a user whose generated secret has no verifier for it", "first", "pencil"],
  ])("[MQTT-4.12.0-4] %s is challenged, and 0x86", async (_what, username, password) => {
    const client = new ScramClient(username, password);
    const device = await begun(await setUp(), client);
    auth(device, continueAuthentication, await client.final(await challenge(device)));
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.badUserNameOrPassword);
    await device.closed;
  });

  it("a CONNECT user name that is another's is 0x86, the same is taken", async () => {
    const deployment = await setUp();
    const other = await begun(deployment, new ScramClient("person", "pencil"), "first");
    expect((await other.take("connack")).reasonCode).toBe(reasonCodes.badUserNameOrPassword);
    await challenge(await begun(deployment, new ScramClient("person", "pencil"), "person"));
  });

  it("[MQTT-4.12.0-1] an unknown method is 0x8C", async () => {
    const device = await Device.attempt(await served(), "c", { properties: { authenticationMethod: "GS2-KRB5" } });
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.badAuthenticationMethod);
    await device.closed;
  });

  it.each([
    ["[MQTT-3.1.2-30] another packet", (device: Device) => device.send({ cmd: "pingreq" })],
    ["a second CONNECT", (device: Device) => device.send(connectPacket("c"))],
    ["[MQTT-4.12.0-5] another method", (device: Device) => auth(device, continueAuthentication, Uint8Array.of(), "X")],
    ["AUTH that begins anew", (device: Device) => auth(device, reauthenticate, Uint8Array.of())],
  ])("%s while the answer is awaited is 0x82", async (_what, disturb) => {
    const device = await begun(await setUp(), new ScramClient("person", "pencil"));
    await challenge(device);
    disturb(device);
    expect((await device.take("connack")).reasonCode).toBe(reasonCodes.protocolError);
    await device.closed;
  });

  it("DISCONNECT while the answer is awaited ends it without a word", async () => {
    const device = await begun(await setUp(), new ScramClient("person", "pencil"));
    await challenge(device);
    device.send({ cmd: "disconnect" });
    await device.closed;
    expect(device.untaken).toEqual([]);
  });
});

describe("authenticating again", () => {
  it("[MQTT-4.12.1-1] the same user goes on, and its packets meanwhile", async () => {
    const device = await connected(await setUp());
    const client = new ScramClient("person", "pencil", { nonce: "another" });
    auth(device, reauthenticate, client.first);
    const first = await challenge(device);
    expect(await device.publish("a", "x")).toBe(0x10);
    auth(device, continueAuthentication, await client.final(first));
    const { reasonCode, properties } = await device.take("auth");
    // mqtt-packet reads no reason code where it is 0.
    expect([reasonCode ?? 0, properties?.authenticationData?.toString()]).toEqual([0, client.serverFinal]);
    await device.ping();
  });

  it.each([
    ["a wrong password", "person", "wrong"],
    ["another user", "first", "pencil"],
  ])("[MQTT-4.12.1-2] %s ends the connection with 0x87", async (_what, username, password) => {
    const device = await connected(await setUp());
    const client = new ScramClient(username, password);
    auth(device, reauthenticate, client.first);
    if (username === "person") auth(device, continueAuthentication, await client.final(await challenge(device)));
    expect(await device.ended()).toBe(reasonCodes.notAuthorized);
  });

  it.each([
    ["an answer to nothing", continueAuthentication, METHOD],
    ["[MQTT-4.12.0-5] another method", reauthenticate, "X"],
  ])("%s is 0x82", async (_what, reasonCode, method) => {
    const device = await connected(await setUp());
    auth(device, reasonCode, new ScramClient("person", "pencil").first, method);
    expect(await device.ended()).toBe(reasonCodes.protocolError);
  });

  it("[MQTT-4.12.0-7] AUTH of one that named no method is 0x82", async () => {
    const device = await Device.connect(await served(), "c");
    auth(device, reauthenticate, new ScramClient("first", "pencil").first);
    expect(await device.ended()).toBe(reasonCodes.protocolError);
  });
});
