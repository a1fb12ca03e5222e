// A deployment's config, users and keys through its real object and the shards it provisions, with evictions between
// the steps.

import { describe, expect, it } from "vitest";
import { verifySecret } from "../../../src/platform/secrets.ts";
import {
  API_SECRET,
  apiKey,
  inStorage,
  PASSWORD,
  tables,
  user,
  valueOf,
  WholeDeployment,
} from "./deployment-client.ts";

let made = 0;
const nextId = () => `d${++made}conf`;

describe("an object that was never configured", () => {
  it("answers not_provisioned to everything and writes nothing", async () => {
    const { object } = new WholeDeployment(nextId(), 1);
    const refused = { ok: false, error: "not_provisioned" };
    expect(await object.admit("first")).toEqual(refused);
    expect(await object.findApiKey("key")).toEqual(refused);
    expect(await object.listApiKeys()).toEqual(refused);
    expect(await object.addApiKey(await apiKey("key", "x"))).toEqual(refused);
    expect(await object.removeApiKey("key")).toEqual(refused);
    expect(await object.listUsers({ page: 1, limit: 10 }, null)).toEqual(refused);
    expect(await object.findUser("first")).toEqual(refused);
    expect(await object.addUser(await user("first", "x"))).toEqual(refused);
    expect(await object.updateUser("first", { verifier: null, isSuperuser: true })).toEqual(refused);
    expect(await object.removeUser("first")).toEqual(refused);
    expect(await object.ping()).toBe(true);
    expect(await tables(object)).toEqual([]);
  });

  it("refuses the config of another deployment", async () => {
    const [mine, other] = [new WholeDeployment(nextId(), 1), new WholeDeployment(nextId(), 1)];
    const { config } = valueOf(await (await WholeDeployment.whole(nextId())).object.admit(null));
    const error = await mine.object.configure(other.id, config, null).catch((thrown: unknown) => String(thrown));
    expect(error).toContain("another deployment");
    expect(await tables(mine.object)).toEqual([]);
  });
});

for (const shards of [1, 4]) {
  describe(`${shards} shard(s) of each kind`, () => {
    it("a config provisions every shard, and is kept over an eviction", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      await deployment.evictObject();
      const { config, lookup } = valueOf(await deployment.object.admit("first"));
      expect(config).toMatchObject({ version: 1, status: "running", shards: { session: shards, topic: shards } });
      expect(lookup).toMatchObject({ revision: 0, principal: { username: "first", isSuperuser: false } });
      expect(await verifySecret(lookup?.principal?.verifier ?? (await user("", "")).verifier, PASSWORD)).toBe(true);
      for (let i = 0; i < shards; i++) {
        expect((await deployment.sessionShard(i).stats()).ok).toBe(true);
        expect((await deployment.topicShard(i).stats()).ok).toBe(true);
      }
      expect((await deployment.sessionShard(shards).stats()).ok).toBe(false);
    });

    it("a config is idempotent by its version: the same or an older one changes nothing", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      expect(valueOf(await deployment.publish({ version: 3, status: "stopped" }))).toEqual({
        version: 3,
        everywhere: true,
      });
      expect(valueOf(await deployment.publish({ version: 3, status: "running" }))).toEqual({
        version: 3,
        everywhere: true,
      });
      await deployment.evictObject();
      expect(valueOf(await deployment.publish({ version: 2 }))).toEqual({ version: 3, everywhere: true });
      expect(valueOf(await deployment.object.admit(null)).config.status).toBe("stopped");
    });

    it("a shard that fails once is told again by the alarm, and only then everywhere is true", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const broken = deployment.sessionShard(shards - 1);
      const mend = await deployment.breakTable(broken, "meta");
      expect(valueOf(await deployment.publish({ version: 2 }))).toEqual({ version: 2, everywhere: false });
      await deployment.evictObject();
      expect(await deployment.ring()).toBe(true);
      expect(valueOf(await deployment.publish({ version: 2 })).everywhere).toBe(false);
      await mend();
      expect(await deployment.ring()).toBe(true);
      expect(valueOf(await deployment.publish({ version: 2 })).everywhere).toBe(true);
      const stored = await inStorage(broken, (sql) =>
        sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'config'").one(),
      );
      expect(JSON.parse(stored.value)).toMatchObject({ version: 2 });
    });

    it("a repeated call completes what a failing shard left undone", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const mend = await deployment.breakTable(deployment.topicShard(0), "meta");
      expect(valueOf(await deployment.publish({ version: 2 })).everywhere).toBe(false);
      await mend();
      expect(valueOf(await deployment.publish({ version: 2 })).everywhere).toBe(true);
    });

    it("a stopped deployment ends its clients", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("c", { username: "first" });
      await deployment.publish({ version: 2, status: "stopped" });
      expect((await client.take("disconnect")).reasonCode).toBe(0x8b);
    });
  });
}

describe("more shards than before", () => {
  it("are provisioned by the config that names them", async () => {
    const id = nextId();
    await WholeDeployment.whole(id, 1);
    const grown = new WholeDeployment(id, 3);
    expect(valueOf(await grown.publish({ version: 2 }))).toEqual({ version: 2, everywhere: true });
    expect((await grown.sessionShard(2).stats()).ok).toBe(true);
    expect((await grown.topicShard(2).stats()).ok).toBe(true);
  });
});

describe("API keys", () => {
  it("are found, listed without their secrets, added and removed", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const { object } = deployment;
    const found = valueOf(await object.findApiKey("key"));
    expect(await verifySecret(found?.verifier ?? (await user("", "")).verifier, API_SECRET)).toBe(true);
    expect(valueOf(await object.addApiKey(await apiKey("second", "s")))).toEqual({
      key: "second",
      name: "name of second",
      createdAt: 1,
    });
    expect(await object.addApiKey(await apiKey("second", "s"))).toEqual({ ok: false, error: "exists" });
    await deployment.evictObject();
    expect(valueOf(await object.listApiKeys()).map(({ key }) => key)).toEqual(["key", "second"]);
    expect(JSON.stringify(await object.listApiKeys())).not.toContain("hash");
    expect(valueOf(await object.removeApiKey("key"))).toBe(true);
    expect(valueOf(await object.removeApiKey("key"))).toBe(false);
    expect(valueOf(await object.findApiKey("key"))).toBeNull();
  });

  it("are a hundred at most", async () => {
    const { object } = await WholeDeployment.whole(nextId());
    const record = await apiKey("k", "s");
    for (let i = 1; i < 100; i++) valueOf(await object.addApiKey({ ...record, key: `k${i}` }));
    expect(await object.addApiKey({ ...record, key: "one too many" })).toEqual({ ok: false, error: "limit_reached" });
  });
});
