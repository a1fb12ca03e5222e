// What a plan allows, met by devices at the real endpoint, and the walls between deployments.

import { describe, expect, it } from "vitest";
import type { PlanLimits } from "../../../src/contracts/deployment-config.ts";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { user } from "../deployment/deployment-client.ts";
import { config } from "../shards/link-client.ts";
import { Device, served } from "./device.ts";

const plan = (change: Partial<PlanLimits>) => ({ limits: { ...config(1).limits, ...change } });

describe("a plan's quotas", () => {
  it("sessions: one too many is 0x97, return code 3 before 5.0; one that ends makes room", async () => {
    const deployment = await served(1, plan({ sessionsMax: 2 }));
    const first = await Device.connect(deployment, "1");
    await Device.connect(deployment, "2");
    const third = await Device.attempt(deployment, "3");
    expect((await third.take("connack")).reasonCode).toBe(reasonCodes.quotaExceeded);
    const old = await Device.attempt(deployment, "4", { version: 4 });
    expect((await old.take("connack")).returnCode).toBe(3);
    first.send({ cmd: "disconnect" });
    await first.closed;
    await Device.connect(deployment, "5");
  });

  it("subscriptions: one too many is 0x97 for that filter alone, and one that stands may be renewed", async () => {
    const deployment = await served(1, plan({ subscriptionsPerClientMax: 2 }));
    const device = await Device.connect(deployment, "c");
    expect(await device.subscribe("a", "b", "c")).toEqual([1, 1, reasonCodes.quotaExceeded]);
    expect(await device.subscribe("a", "d")).toEqual([1, reasonCodes.quotaExceeded]);
    const old = await Device.connect(deployment, "old", { version: 4 });
    expect(await old.subscribe("a", "b", "c")).toEqual([1, 1, 0x80]);
  });

  it("filters of one packet: as many as it may hold are done, one too many ends the connection with 0x97", async () => {
    const deployment = await served(1, plan({ subscriptionsPerClientMax: 2 }));
    const filters = Array.from({ length: limits.filtersPerPacket }, (_, i) => `${i}`);
    const device = await Device.connect(deployment, "c");
    const codes = await device.subscribe(...filters);
    expect(codes.filter((code) => code === 1).length).toBe(2);
    expect(codes.length).toBe(filters.length);
    device.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [...filters, "more"] });
    expect(await device.ended()).toBe(reasonCodes.quotaExceeded);
    const again = await Device.connect(deployment, "c");
    await expect(again.subscribe(...filters, "more")).rejects.toThrow("closed");
    expect(await again.ended()).toBe(reasonCodes.quotaExceeded);
  });

  it.each([
    [5, reasonCodes.quotaExceeded],
    [4, null],
  ] as const)(
    "filters a second, version %i: past the burst the connection is ended, others' are not",
    async (version, reason) => {
      const deployment = await served(1, plan({ subscriptionsPerClientMax: 2_000 }));
      const [device, other] = [
        await Device.connect(deployment, "c", { version }),
        await Device.connect(deployment, "other", { version }),
      ];
      const filters = Array.from({ length: 1_000 }, (_, i) => `device/${i}/commands`);
      expect(await device.subscribe(...filters)).toEqual(filters.map(() => 1)); // As an honest one does.
      const most = Array.from({ length: limits.filtersBurst }, (_, i) => `${i}`);
      device.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: most });
      expect(await device.ended()).toBe(reason);
      expect(await other.subscribe("still/served")).toEqual([1]);
    },
  );

  it("messages a second: past the burst PUBACK is 0x97; 3.1.1, which has no word for it, is closed", async () => {
    const deployment = await served(1, plan({ messagesPerSecond: 5 }));
    const device = await Device.connect(deployment, "c");
    const codes: number[] = [];
    for (let i = 0; i < 8; i++) codes.push(await device.publish("a", "x"));
    expect(codes.slice(0, 5)).toEqual([0x10, 0x10, 0x10, 0x10, 0x10]);
    expect(codes).toContain(reasonCodes.quotaExceeded);
    const old = await Device.connect(deployment, "old", { version: 4 });
    const publish = { cmd: "publish", topic: "a", payload: "", qos: 1, retain: false, dup: false } as const;
    old.send(...Array.from({ length: 20 }, (_, i) => ({ ...publish, messageId: i + 1 })));
    expect(await old.ended()).toBeNull();
  });

  it("retained messages: one too many is 0x97, and one that is replaced is not more", async () => {
    const deployment = await served(1, plan({ retainedMessagesMax: 1 }));
    const device = await Device.connect(deployment, "c");
    const retain = (topic: string, payload: string) => device.publish(topic, payload, { retain: true });
    expect(await retain("a", "1")).toBe(0x10);
    expect(await retain("b", "1")).toBe(reasonCodes.quotaExceeded);
    expect(await retain("a", "2")).toBe(0x10);
    expect(await retain("a", "")).toBe(0x10);
    expect(await retain("b", "1")).toBe(0x10);
  });
});

describe("two deployments", () => {
  it.each([1, 4])(
    "with the same client ids, topics and retained messages never see each other, %i shard(s)",
    async (shards) => {
      const [a, b] = [await served(shards), await served(shards)];
      const [inA, inB] = [await Device.connect(a, "same"), await Device.connect(b, "same")];
      expect(await inA.publish("kept", "of a", { retain: true })).toBe(0x10);
      expect(await inB.subscribe("#")).toEqual([1]);
      expect(await inA.subscribe("#")).toEqual([1]);
      expect(await inA.publish("t", "live of a")).toBe(0);
      expect(await inB.publish("t", "live of b")).toBe(0);
      expect((await inB.message()).payload.toString()).toBe("live of b");
      const seen = [(await inA.message()).payload.toString(), (await inA.message()).payload.toString()];
      expect(seen.sort()).toEqual(["live of a", "of a"]);
      await Device.connect(b, "same"); // A takeover there ends nobody here.
      expect(await inB.ended()).toBe(reasonCodes.sessionTakenOver);
      await inA.ping();
      expect(inA.untaken).toEqual([]);
    },
  );

  it("a user of one is nobody in the other", async () => {
    const [a, b] = [await served(), await served()];
    const stranger = { username: "only-a", password: "secret" };
    await a.object.addUser(await user("only-a", "secret"));
    await Device.connect(a, "c", stranger);
    const refused = await Device.attempt(b, "c", stranger);
    expect((await refused.take("connack")).reasonCode).toBe(reasonCodes.badUserNameOrPassword);
  });
});
