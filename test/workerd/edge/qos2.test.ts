// QoS 2 and wills of devices in every version, from the WebSocket to the shards and back.

import type { Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { config } from "../shards/link-client.ts";
import type { ProtocolVersion } from "./device.ts";
import { Device, served } from "./device.ts";

const versions: ProtocolVersion[] = [3, 4, 5];

function publish(messageId: number, payload: string, dup = false): Packet {
  return { cmd: "publish", topic: "once", payload, qos: 2, retain: false, dup, messageId };
}

/** Whatever the fields of a packet are in a version, this is what it says. */
function idOf({ messageId }: { messageId?: number }): number {
  return messageId ?? 0;
}

describe.each(versions)("version %i", (version) => {
  it("[MQTT-4.3.3-1] [MQTT311-4.3.3-1] hands a message of QoS 2 over once", async () => {
    const deployment = await served();
    const subscriber = await Device.connect(deployment, "s", { version });
    expect(await subscriber.subscribe({ topic: "once", qos: 2 })).toEqual([2]);
    const publisher = await Device.connect(deployment, "p", { version });
    publisher.send(publish(3, "x"), publish(3, "x", true));
    expect(idOf(await publisher.take("pubrec"))).toBe(3);
    publisher.send({ cmd: "pubrel", messageId: 3 });
    expect(idOf(await publisher.take("pubcomp"))).toBe(3);
    const message = await subscriber.take("publish");
    expect([message.qos, message.payload.toString()]).toEqual([2, "x"]);
    subscriber.send({ cmd: "pubrec", messageId: idOf(message) });
    expect(idOf(await subscriber.take("pubrel"))).toBe(idOf(message));
    subscriber.send({ cmd: "pubcomp", messageId: idOf(message) });
    publisher.send(publish(3, "y"));
    expect((await subscriber.take("publish")).payload.toString()).toBe("y");
  });

  it("[MQTT-3.1.2-8] [MQTT311-3.1.2-8] publishes a will, and none after DISCONNECT", async () => {
    const deployment = await served();
    const watcher = await Device.connect(deployment, "w", { version });
    await watcher.subscribe({ topic: "will/#", qos: 2 });
    for (const payload of ["small", "x".repeat(60_000)]) {
      const will = { topic: "will/a", payload, qos: 2, retain: false };
      (await Device.connect(deployment, "c", { version, will })).drop();
      const message = await watcher.take("publish");
      expect([message.qos, message.topic, message.payload.toString()]).toEqual([2, "will/a", payload]);
    }
    const polite = await Device.connect(deployment, "c", {
      version,
      will: { topic: "will/a", payload: "never", qos: 1, retain: false },
    });
    polite.send({ cmd: "disconnect" } as Packet);
    await polite.closed;
    await watcher.publish("will/marker", "end");
    expect((await watcher.take("publish")).topic).toBe("will/marker");
  });
});

it("[MQTT-3.1.2-9] a will has its properties, and its own expiry", async () => {
  const deployment = await served();
  const watcher = await Device.connect(deployment, "w");
  await watcher.subscribe("will");
  const properties = { contentType: "text/plain", messageExpiryInterval: 60, userProperties: { a: "b" } };
  const will = { topic: "will", payload: "p", qos: 1, retain: false, properties };
  (await Device.connect(deployment, "c", { will })).drop();
  expect((await watcher.message()).properties).toMatchObject({ contentType: "text/plain", messageExpiryInterval: 60 });
});

it("a will that is not the UTF-8 it is said to be is refused with 0x99", async () => {
  const deployment = await served();
  const will = {
    topic: "will",
    payload: Buffer.of(0xc3, 0x28),
    qos: 0,
    retain: false,
    properties: { payloadFormatIndicator: true },
  };
  const device = await Device.attempt(deployment, "c", { will });
  expect((await device.take("connack")).reasonCode).toBe(0x99);
});

it("what is published beyond the window of unreleased messages waits for it, over a reconnect too", async () => {
  const { settings } = config(1);
  const deployment = await served(1, { settings: { ...settings, awaitingReleaseMax: 2 } });
  const options = { clean: false, properties: { sessionExpiryInterval: 60 } };
  let publisher = await Device.connect(deployment, "p", options);
  publisher.send(publish(1, "1"), publish(2, "2"), publish(3, "3"));
  expect([idOf(await publisher.take("pubrec")), idOf(await publisher.take("pubrec"))]).toEqual([1, 2]);
  await publisher.ping();
  expect(publisher.untaken).toEqual([]);
  publisher.drop();
  await publisher.closed;
  publisher = await Device.connect(deployment, "p", options);
  publisher.send(publish(3, "3", true));
  await publisher.ping();
  expect(publisher.untaken).toEqual([]);
  publisher.send({ cmd: "pubrel", messageId: 1 });
  expect(idOf(await publisher.take("pubcomp"))).toBe(1);
  expect(idOf(await publisher.take("pubrec"))).toBe(3);
});

it("[MQTT-4.9.0-1] who releases nothing while something waits is ended with 0x93", async () => {
  const { settings } = config(1);
  const deployment = await served(1, { settings: { ...settings, awaitingReleaseMax: 1, awaitingReleaseSeconds: 1 } });
  const publisher = await Device.connect(deployment, "p");
  publisher.send(publish(1, "1"), publish(2, "2"));
  expect(await publisher.ended()).toBe(0x93);
});
