// Changes of users: counted, told to every session shard, told again after a failure; their clients are ended.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { inStorage, user, valueOf, WholeDeployment } from "./deployment-client.ts";

let made = 0;
const nextId = () => `u${++made}user`;

describe("users", () => {
  it("are added, found, listed by page and part of the name, and counted", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const { object } = deployment;
    for (const name of ["sensor-b", "sensor-a", "pump%"]) {
      expect(valueOf(await object.addUser(await user(name, "x", name === "pump%")))).toEqual({ everywhere: true });
    }
    expect(await object.addUser(await user("sensor-a", "y"))).toEqual({ ok: false, error: "exists" });
    await deployment.evictObject();
    expect(valueOf(await object.findUser("pump%"))).toEqual({ username: "pump%", isSuperuser: true });
    expect(valueOf(await object.findUser("pump"))).toBeNull();
    const list = async (page: number, limit: number, like: string | null, isSuperuser: boolean | null = null) => {
      const { users, count } = valueOf(await object.listUsers({ page, limit }, like, isSuperuser));
      return [users.map(({ username }) => username), count];
    };
    expect(await list(1, 3, null)).toEqual([["first", "pump%", "sensor-a"], 4]);
    expect(await list(2, 3, null)).toEqual([["sensor-b"], 4]);
    expect(await list(9, 3, null)).toEqual([[], 4]);
    expect(await list(1, 10, "sor-")).toEqual([["sensor-a", "sensor-b"], 2]);
    expect(await list(1, 10, "%")).toEqual([["pump%"], 1]);
    expect(await list(1, 10, null, true)).toEqual([["pump%"], 1]);
    expect(await list(1, 10, null, false)).toEqual([["first", "sensor-a", "sensor-b"], 3]);
  });

  it("are counted with the removals that wait, and none is added past the bound", async () => {
    const { object } = await WholeDeployment.whole(nextId());
    const rows = limits.usersPerDeployment - 1;
    await inStorage(object, (sql) =>
      sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO user_change SELECT 'gone-' || i, i, 1 FROM n`,
        rows,
      ),
    );
    expect(await object.addUser(await user("one too many", "x"))).toEqual({ ok: false, error: "limit_reached" });
    await inStorage(object, (sql) => sql.exec("DELETE FROM user_change"));
    expect((await object.addUser(await user("one more", "x"))).ok).toBe(true);
  });

  it("a change that changes nothing is no change", async () => {
    const { object } = await WholeDeployment.whole(nextId());
    const none = { verifier: null, isSuperuser: null };
    expect(valueOf(await object.updateUser("first", none))).toEqual({ everywhere: true });
    expect(valueOf(await object.updateUser("first", { ...none, isSuperuser: false }))).toEqual({ everywhere: true });
    expect(valueOf(await object.admit("first")).lookup?.revision).toBe(0);
    expect(await object.updateUser("nobody", none)).toEqual({ ok: false, error: "not_found" });
    expect(await object.removeUser("nobody")).toEqual({ ok: false, error: "not_found" });
  });
});

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, () => {
    it("a removed user's clients are ended on every shard, others stay", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      await deployment.object.addUser(await user("second", "x"));
      const clients = await Promise.all(
        ["a", "b", "c", "d"].map((id) => deployment.connect(id, { username: "first", principalRevision: 0 })),
      );
      const other = await deployment.connect("e", { username: "second", principalRevision: 0 });
      await deployment.evictObject();
      expect(valueOf(await deployment.object.removeUser("first"))).toEqual({ everywhere: true });
      for (const client of clients) expect((await client.take("disconnect")).reasonCode).toBe(0x87);
      expect(await other.publish("t", "x")).toBe(0x10);
      expect(valueOf(await deployment.object.admit("first")).lookup).toEqual({ revision: 1, principal: null });
      // What an edge may still hold of the user is refused.
      await expect(deployment.connect("a", { username: "first", principalRevision: 0 })).rejects.toThrow("409");
    });

    it("a changed secret ends the user's clients and counts at once", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("a", { username: "first", principalRevision: 0 });
      const { verifier } = await user("first", "new");
      expect(valueOf(await deployment.object.updateUser("first", { verifier, isSuperuser: null }))).toEqual({
        everywhere: true,
      });
      expect((await client.take("disconnect")).reasonCode).toBe(0x98);
      const { lookup } = valueOf(await deployment.object.admit("first"));
      expect(lookup).toEqual({ revision: 1, principal: { username: "first", isSuperuser: false, verifier } });
      const again = await deployment.connect("a", { username: "first", principalRevision: 1 });
      expect(await again.publish("t", "x")).toBe(0x10);
    });

    it("a shard that could not be told is told by the alarm, also after an eviction", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const client = await deployment.connect("a", { username: "first", principalRevision: 0 });
      const shard = deployment.sessionShardOf("a");
      const mend = await deployment.breakTable(shard, "principal_change");
      expect(valueOf(await deployment.object.removeUser("first"))).toEqual({ everywhere: false });
      await deployment.evictObject();
      expect(await deployment.ring()).toBe(true);
      await mend();
      expect(await deployment.ring()).toBe(true);
      expect((await client.take("disconnect")).reasonCode).toBe(0x87);
      expect(await inStorage(deployment.object, (sql) => sql.exec("SELECT * FROM user_change").toArray())).toEqual([]);
    });

    it("a user added again while the removal waits keeps its new clients", async () => {
      const deployment = await WholeDeployment.whole(nextId(), shards);
      const mend = await deployment.breakTable(deployment.sessionShardOf("a"), "principal_change");
      await deployment.object.removeUser("first");
      await mend();
      await deployment.object.addUser(await user("first", "again"));
      const { lookup } = valueOf(await deployment.object.admit("first"));
      expect(lookup).toMatchObject({ revision: 1, principal: { username: "first" } });
      const client = await deployment.connect("a", { username: "first", principalRevision: 1 });
      expect(await deployment.ring()).toBe(true);
      expect(await client.publish("t", "x")).toBe(0x10);
      await expect(deployment.connect("b", { username: "first", principalRevision: 0 })).rejects.toThrow("409");
    });
  });
}
