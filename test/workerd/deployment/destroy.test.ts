// The end of a deployment: refused for ever, clients ended, every shard erased, whatever fails or is evicted between.

import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { tables, user, valueOf, WholeDeployment } from "./deployment-client.ts";

let made = 0;
const nextId = () => `x${++made}gone`;

async function expectErased(deployment: WholeDeployment): Promise<void> {
  for (let i = 0; i < deployment.shards; i++) {
    expect(await tables(deployment.sessionShard(i))).toEqual([]);
    expect(await tables(deployment.topicShard(i))).toEqual([]);
  }
}

for (const shards of [1, 4]) {
  describe(`${shards} shard(s) of each kind`, () => {
    it("ends the clients, erases the shards and leaves a tombstone that refuses for ever", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("c", { username: "first" });
      await client.subscribe("t/#");
      await client.publish("t/1", "kept", { retain: true });
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
      expect((await client.take("disconnect")).reasonCode).toBe(0x8b);
      await expectErased(deployment);
      await deployment.evictObject();
      expect(await deployment.publish({ version: 9 })).toEqual({ ok: false, error: "deleted" });
      expect(await deployment.object.admit("first")).toEqual({ ok: false, error: "not_provisioned" });
      expect(await deployment.object.addUser(await user("u", "x"))).toEqual({ ok: false, error: "not_provisioned" });
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
      await expect(deployment.connect("c")).rejects.toThrow("404");
    });

    it("erases once more later, then leaves the tombstone alone", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const { config } = valueOf(await deployment.object.admit(null));
      await deployment.object.destroy(deployment.id);
      // A config that was on its way when the deployment ended arrives behind the erasure.
      await deployment.sessionShard(0).configure(deployment.id, 0, config);
      expect(await tables(deployment.sessionShard(0))).not.toEqual([]);
      await deployment.evictObject();
      expect(await deployment.ring()).toBe(true);
      await expectErased(deployment);
      expect(await tables(deployment.object)).toEqual(["tombstone"]);
      expect(await deployment.ring()).toBe(false);
      await deployment.evictObject();
      expect(await deployment.publish({ version: 9 })).toEqual({ ok: false, error: "deleted" });
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
      expect(await tables(deployment.object)).toEqual(["tombstone"]);
    });

    it("goes on by the alarm, over failures and evictions", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      await deployment.connect("c", { username: "first" });
      const mend = await deployment.breakErasure(deployment.sessionShardOf("c"));
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: false });
      expect(await deployment.object.admit("first")).toEqual({ ok: false, error: "not_provisioned" });
      expect(await deployment.publish({ version: 9 })).toEqual({ ok: false, error: "deleted" });
      expect(await tables(deployment.sessionShardOf("c"))).not.toEqual([]);
      await deployment.evictObject();
      await mend();
      expect(await deployment.ring()).toBe(true);
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
      await expectErased(deployment);
    });

    it("erases a shard whose clients cannot be ended", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      await deployment.connect("c", { username: "first" });
      // Ending the client writes its session's row.
      await deployment.breakTable(deployment.sessionShardOf("c"), "session");
      expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
      await expectErased(deployment);
    });
  });
}

describe("a deployment that was never provisioned", () => {
  it("can be deleted, so that no config that comes late provisions it", async () => {
    const deployment = new WholeDeployment(nextId(), 1);
    expect(await deployment.object.destroy(deployment.id)).toEqual({ done: true });
    await deployment.evictObject();
    expect(await deployment.publish()).toEqual({ ok: false, error: "deleted" });
    expect(await tables(deployment.object)).toEqual(["tombstone"]);
  });
});

describe("two deployments", () => {
  it("share nothing: users, keys, configs and the end of one leave the other as it is", async () => {
    const [a, b] = [await WholeDeployment.whole(nextId()), await WholeDeployment.whole(nextId())];
    await a.object.addUser(await user("only in a", "x"));
    const inB = await b.connect("same id", { username: "first" });
    await inB.subscribe("same/topic");
    const inA = await a.connect("same id", { username: "first" });
    expect(await inA.publish("same/topic", "secret of a", { retain: true })).toBe(0x10);
    expect(valueOf(await b.object.findUser("only in a"))).toBeNull();
    await a.object.removeUser("first");
    await a.publish({ version: 2, status: "stopped" });
    expect(valueOf(await b.object.admit("first"))).toMatchObject({
      config: { version: 1, status: "running" },
      lookup: { revision: 0, principal: { username: "first" } },
    });
    await a.object.destroy(a.id);
    await runDurableObjectAlarm(a.object as never);
    expect(await inB.publish("same/topic", "still here")).toBe(0);
    expect((await inB.message()).payload.toString()).toBe("still here");
    expect((await b.sessionShard(0).stats()).ok).toBe(true);
  });
});
