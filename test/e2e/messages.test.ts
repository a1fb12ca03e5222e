// What two devices and a service do for each other, by MQTT.js in both versions of the protocol.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewDeployment } from "../../scripts/demo/service-api.ts";
import { connect, newDeployment, persistent, StartedService } from "./service.ts";

let service: StartedService;
let made: NewDeployment;

beforeAll(async () => {
  service = await StartedService.start();
  made = await newDeployment(service.url);
});
afterAll(async () => await service.dispose());

describe.each([4, 5] as const)("MQTT version %i", (protocolVersion) => {
  const topic = (name: string) => `v${protocolVersion}/${name}`;
  const id = (name: string) => `v${protocolVersion}-${name}`;

  it.each([0, 1] as const)("carries QoS %i", async (qos) => {
    const subscriber = await connect(made, { protocolVersion });
    const publisher = await connect(made, { protocolVersion });
    await subscriber.client.subscribeAsync(topic(`qos/${qos}/+`), { qos });
    await publisher.client.publishAsync(topic(`qos/${qos}/a`), "21.5", { qos });
    const message = await subscriber.message(() => true);
    expect(message).toEqual({ topic: topic(`qos/${qos}/a`), text: "21.5", qos, retain: false, dup: false });
    await Promise.all([subscriber.end(), publisher.end()]);
  });

  it("keeps the order of one publisher's messages", async () => {
    const subscriber = await connect(made, { protocolVersion });
    const publisher = await connect(made, { protocolVersion });
    await subscriber.client.subscribeAsync(topic("order"), { qos: 1 });
    const sent = Array.from({ length: 200 }, (_, i) => String(i));
    await Promise.all(sent.map((text) => publisher.client.publishAsync(topic("order"), text, { qos: 1 })));
    await subscriber.until(() => (subscriber.received.length >= sent.length ? true : undefined));
    expect(subscriber.received.map(({ text }) => text)).toEqual(sent);
    await Promise.all([subscriber.end(), publisher.end()]);
  });

  it("gives a retained message to who comes later, until it is cleared", async () => {
    const publisher = await connect(made, { protocolVersion });
    await publisher.client.publishAsync(topic("retained"), "kept", { qos: 1, retain: true });
    const late = await connect(made, { protocolVersion });
    await late.client.subscribeAsync(topic("retained"), { qos: 1 });
    expect(await late.message(() => true)).toMatchObject({ text: "kept", retain: true });
    await publisher.client.publishAsync(topic("retained"), "", { qos: 1, retain: true });
    const later = await connect(made, { protocolVersion });
    await later.client.subscribeAsync(topic("retained"), { qos: 1 });
    await publisher.client.publishAsync(topic("retained"), "live", { qos: 1 });
    // The live message is the first: nothing retained came before it.
    expect(await later.message(() => true)).toMatchObject({ text: "live", retain: false });
    await Promise.all([publisher.end(), late.end(), later.end()]);
  });

  it("gives a client that is back all that waited, though it is more than a connection may buffer", async () => {
    const options = persistent(id("backlog"), protocolVersion);
    const subscriber = await connect(made, options);
    await subscriber.client.subscribeAsync(topic("backlog"), { qos: 1 });
    await subscriber.end();
    const publisher = await connect(made, { protocolVersion });
    const sent = Array.from({ length: 9 }, (_, i) => String(i).repeat(1_000_000));
    for (const text of sent) await publisher.client.publishAsync(topic("backlog"), text, { qos: 1 });
    const back = await connect(made, { ...options, reconnectPeriod: 0 });
    await back.until(() => (back.received.length >= sent.length ? true : undefined));
    expect(back.received.map(({ text, dup }) => [text[0], text.length, dup])).toEqual(
      sent.map((text) => [text[0], text.length, false]),
    );
    await Promise.all([publisher.end(), back.end()]);
  });

  it("keeps messages for a session that is offline", async () => {
    const options = persistent(id("offline"), protocolVersion);
    const subscriber = await connect(made, options);
    expect(subscriber.sessionPresent).toBe(false);
    await subscriber.client.subscribeAsync(topic("offline"), { qos: 1 });
    await subscriber.end();
    const publisher = await connect(made, { protocolVersion });
    const sent = Array.from({ length: 50 }, (_, i) => String(i));
    for (const text of sent) await publisher.client.publishAsync(topic("offline"), text, { qos: 1 });
    const back = await connect(made, options);
    expect(back.sessionPresent).toBe(true);
    await back.until(() => (back.received.length >= sent.length ? true : undefined));
    expect(back.received.map(({ text }) => text)).toEqual(sent);
    await Promise.all([back.end(), publisher.end()]);
  });

  it("[MQTT-3.1.4-3] ends the first connection of a client id when a second comes", async () => {
    const first = await connect(made, persistent(id("twice"), protocolVersion));
    let reasonCode: number | undefined;
    first.client.on("disconnect", (packet) => (reasonCode = packet.reasonCode));
    const closed = new Promise((resolve) => first.client.once("close", () => resolve(true)));
    const second = await connect(made, persistent(id("twice"), protocolVersion));
    expect(await closed).toBe(true);
    expect(second.sessionPresent).toBe(true);
    if (protocolVersion === 5) expect(reasonCode).toBe(0x8e);
    await second.client.publishAsync(topic("twice"), "still here", { qos: 1 });
    await second.end();
  });

  it("refuses a wrong password", async () => {
    const refused = connect(made, { protocolVersion, password: "wrong" });
    await expect(refused).rejects.toMatchObject({ code: protocolVersion === 5 ? 0x86 : 4 });
  });
});

it("finds sessions, queues and retained messages after a restart", async () => {
  const options = persistent("over-restart", 5);
  const subscriber = await connect(made, options);
  await subscriber.client.subscribeAsync("restart/#", { qos: 1 });
  await subscriber.end();
  const publisher = await connect(made);
  await publisher.client.publishAsync("restart/a", "queued", { qos: 1 });
  await publisher.client.publishAsync("kept/a", "retained", { qos: 1, retain: true });
  await publisher.end();
  expect(await service.stop()).toBe(0);
  await service.again();
  const back = await connect(made, options);
  expect(back.sessionPresent).toBe(true);
  expect(await back.message(({ topic }) => topic === "restart/a")).toMatchObject({ text: "queued" });
  await back.client.subscribeAsync("kept/#", { qos: 1 });
  expect(await back.message(({ topic }) => topic === "kept/a")).toMatchObject({ text: "retained", retain: true });
  await back.end();
});
