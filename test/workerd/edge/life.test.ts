// How connections live and end at the real endpoint: keep alive, takeover, orders from the service, lost objects.

import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { config } from "../shards/link-client.ts";
import type { ConnectOptions } from "./device.ts";
import { Device, served } from "./device.ts";

const persistent: ConnectOptions = { clean: false, properties: { sessionExpiryInterval: 600 } };

describe("keep alive", () => {
  it("[MQTT-3.12.4-1] PINGREQ is answered", async () => {
    const device = await Device.connect(await served(), "c");
    await device.ping();
    const old = await Device.connect(await served(), "c", { version: 3 });
    await old.ping();
  });

  it.each([
    [5, reasonCodes.keepAliveTimeout],
    [4, null],
  ] as const)("[MQTT-3.1.2-22] version %i: silent for one and a half keep alives, ended", async (version, reason) => {
    const deployment = await served();
    const device = await Device.connect(deployment, "c", { version, keepalive: 1 });
    const from = Date.now();
    expect(await device.ended()).toBe(reason);
    expect(Date.now() - from).toBeGreaterThan(1_300);
    expect(Date.now() - from).toBeLessThan(4_000);
  });

  it("a device that only asks for PINGRESP stays, and keep alive 0 may be silent", async () => {
    const deployment = await served();
    const silent = await Device.connect(deployment, "silent", { keepalive: 0 });
    const lively = await Device.connect(deployment, "lively", { keepalive: 1 });
    const dead = await Device.connect(deployment, "dead", { keepalive: 2 });
    const over = dead.closed.then(() => true);
    while ((await Promise.race([over, scheduler.wait(100)])) !== true) await lively.ping();
    await lively.ping();
    await silent.ping();
  });
});

describe("takeover and orders", () => {
  it.each([1, 4])("[MQTT-3.1.4-3] the newcomer takes over, with %i shard(s)", async (shards) => {
    const deployment = await served(shards);
    const first = await Device.connect(deployment, "c", persistent);
    await first.subscribe("a");
    const second = await Device.attempt(deployment, "c", persistent);
    expect(await first.ended()).toBe(reasonCodes.sessionTakenOver);
    expect((await second.take("connack")).sessionPresent).toBe(true);
    await second.publish("a", "still subscribed");
    expect((await second.message()).payload.toString()).toBe("still subscribed");
  });

  it("a kicked client gets 0x98, before 5.0 it is closed", async () => {
    const deployment = await served();
    const [five, four] = [
      await Device.connect(deployment, "five"),
      await Device.connect(deployment, "four", { version: 4 }),
    ];
    await deployment.sessionShardOf("five").kickClient("five");
    await deployment.sessionShardOf("four").kickClient("four");
    expect(await five.ended()).toBe(reasonCodes.administrativeAction);
    expect(await four.ended()).toBeNull();
  });

  it("a deployment that stops ends its clients and takes none, until it runs again", async () => {
    const deployment = await served();
    const device = await Device.connect(deployment, "c");
    await deployment.publish({ version: 2, status: "stopped" });
    expect(await device.ended()).toBe(reasonCodes.serverShuttingDown);
    const refused = await Device.attempt(deployment, "c");
    expect((await refused.take("connack")).reasonCode).toBe(reasonCodes.serverUnavailable);
    const old = await Device.attempt(deployment, "c", { version: 4 });
    expect((await old.take("connack")).returnCode).toBe(3);
    await deployment.publish({ version: 3, status: "running" });
    await Device.connect(deployment, "c");
  });

  it("a plan that changes holds for those who are connected", async () => {
    const deployment = await served();
    const device = await Device.connect(deployment, "c");
    expect(await device.publish("a", "x".repeat(2_000))).toBe(0x10);
    await deployment.publish({ version: 2, limits: { ...config(1).limits, messageBytesMax: 1_000 } });
    device.send({ cmd: "publish", topic: "a", payload: "x".repeat(2_000), qos: 0, retain: false, dup: false });
    expect(await device.ended()).toBe(reasonCodes.packetTooLarge);
  });
});

describe("lost and sleeping objects", () => {
  it.each([1, 4])(
    "the device notices nothing when every object sleeps between its steps, %i shard(s)",
    async (shards) => {
      const deployment = await served(shards);
      const reader = await Device.connect(deployment, "r", persistent);
      await deployment.evict();
      expect(await reader.subscribe("a/#")).toEqual([1]);
      await deployment.evict();
      const publisher = await Device.connect(deployment, "p");
      await deployment.evict();
      expect(await publisher.publish("a/1", "one")).toBe(0);
      expect((await reader.message()).payload.toString()).toBe("one");
      await deployment.evict();
      expect(await publisher.publish("a/2", "two")).toBe(0);
      await deployment.evict();
      expect((await reader.message()).payload.toString()).toBe("two");
      await reader.ping();
    },
  );

  it("a shard that is lost ends its devices with 0x8B, and they find their sessions again", async () => {
    const deployment = await served();
    const five = await Device.connect(deployment, "five", persistent);
    const four = await Device.connect(deployment, "four", { version: 4, clean: false });
    await five.subscribe("a");
    await deployment.evict("close");
    expect(await five.ended()).toBe(reasonCodes.serverShuttingDown);
    expect(await four.ended()).toBeNull();
    const again = await Device.attempt(deployment, "five", persistent);
    expect((await again.take("connack")).sessionPresent).toBe(true);
    expect(await again.publish("a", "x")).toBe(0);
    expect((await again.message()).payload.toString()).toBe("x");
  });

  it("a device that breaks off is known to be gone", async () => {
    const deployment = await served();
    const device = await Device.connect(deployment, "c", persistent);
    device.drop();
    const shard = deployment.sessionShardOf("c");
    const gone = async () => {
      const found = await shard.findClient("c");
      return found.ok && found.value !== null && !found.value.connected ? found.value.disconnectReason : null;
    };
    await expect.poll(gone).toBe("closed");
  });

  it("DISCONNECT is told to the shard, with its session expiry", async () => {
    const deployment = await served();
    const device = await Device.connect(deployment, "c", persistent);
    device.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await device.closed;
    const again = await Device.attempt(deployment, "c", persistent);
    expect((await again.take("connack")).sessionPresent).toBe(false);
  });
});
