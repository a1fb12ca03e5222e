// The users of a deployment through its API.

import { describe, expect, it } from "vitest";
import { verifySecret } from "../../../src/platform/secrets.ts";
import { valueOf, WholeDeployment } from "../deployment/deployment-client.ts";
import { call, USERS } from "./api-client.ts";

let made = 0;
const nextId = () => `s${++made}api`;
const notFound = { status: 404, body: { code: "NOT_FOUND", message: "User not found" } };

describe("users", () => {
  it("are added with a SCRAM verifier, and never show their password", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const body = { user_id: "pump/1", password: "correct horse", is_superuser: true };
    const added = await call(deployment, "POST", USERS, { body });
    expect(added).toMatchObject({ status: 201, body: { user_id: "pump/1", is_superuser: true } });
    expect(JSON.stringify(added.body)).not.toContain("horse");
    const { lookup } = valueOf(await deployment.object.admit("pump/1"));
    const verifier = lookup?.principal?.verifier;
    expect(verifier?.type).toBe("scram-sha-256");
    expect(verifier !== undefined && (await verifySecret(verifier, "correct horse"))).toBe(true);
    expect(await call(deployment, "POST", USERS, { body })).toMatchObject({
      status: 409,
      body: { code: "ALREADY_EXISTS" },
    });
  });

  it("are listed by page, part of the name and rights, under the encoded path too", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    for (const user_id of ["b", "a", "ab"]) {
      await call(deployment, "POST", USERS, { body: { user_id, password: "x", is_superuser: user_id === "b" } });
    }
    const list = async (query: string) => {
      const { body } = await call(deployment, "GET", `${USERS.replace(":", "%3A")}?${query}`);
      const { data, meta } = body as { data: { user_id: string }[]; meta: object };
      return [data.map(({ user_id }) => user_id), meta];
    };
    expect(await list("limit=2")).toEqual([["a", "ab"], { page: 1, limit: 2, count: 4, hasnext: true }]);
    expect(await list("limit=2&page=2")).toEqual([["b", "first"], { page: 2, limit: 2, count: 4, hasnext: false }]);
    expect(await list("like_user_id=b")).toEqual([["ab", "b"], { page: 1, limit: 100, count: 2, hasnext: false }]);
    expect(await list("is_superuser=true")).toEqual([["b"], { page: 1, limit: 100, count: 1, hasnext: false }]);
  });

  it("are got, changed and removed; a change ends the user's connections", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    const path = `${USERS}/first`;
    const client = await deployment.connect("c", { username: "first" });
    expect(await call(deployment, "GET", path)).toMatchObject({
      status: 200,
      body: { user_id: "first", is_superuser: false },
    });
    expect(await call(deployment, "PUT", path, { body: { password: "another" } })).toMatchObject({
      status: 200,
      body: { user_id: "first", is_superuser: false },
    });
    expect((await client.take("disconnect")).reasonCode).toBe(0x98);
    expect(await call(deployment, "PUT", path, { body: { is_superuser: true } })).toMatchObject({
      body: { is_superuser: true },
    });
    const verifier = valueOf(await deployment.object.admit("first")).lookup?.principal?.verifier;
    expect(verifier !== undefined && (await verifySecret(verifier, "another"))).toBe(true);
    const again = await deployment.connect("c", { username: "first", principalRevision: 2 });
    expect(await call(deployment, "DELETE", path)).toMatchObject({ status: 204, body: null });
    expect((await again.take("disconnect")).reasonCode).toBe(0x87);
    expect(await call(deployment, "DELETE", path)).toMatchObject(notFound);
    expect(await call(deployment, "GET", path)).toMatchObject(notFound);
    expect(await call(deployment, "PUT", path, { body: { is_superuser: true } })).toMatchObject(notFound);
  });

  it("a change that has not reached every shard yet is 202", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    await call(deployment, "POST", USERS, { body: { user_id: "second", password: "x" } });
    await deployment.breakTable(deployment.sessionShard(0), "principal_change");
    expect((await call(deployment, "PUT", `${USERS}/first`, { body: { password: "y" } })).status).toBe(202);
    expect((await call(deployment, "DELETE", `${USERS}/second`)).status).toBe(202);
  });

  it.each(["a/b", "with space", "50%", "grüße", "a:b", `${"\u20ac".repeat(341)}u`])(
    "may be called %j, percent-encoded",
    async (user_id) => {
      const deployment = await WholeDeployment.whole(nextId());
      await call(deployment, "POST", USERS, { body: { user_id, password: "x" } });
      const path = `${USERS}/${encodeURIComponent(user_id)}`;
      expect(await call(deployment, "GET", path)).toMatchObject({ status: 200, body: { user_id } });
      expect((await call(deployment, "DELETE", path)).status).toBe(204);
    },
  );

  it.each([
    ["no user_id", { password: "x" }, "user_id"],
    ["an empty user_id", { user_id: "", password: "x" }, "user_id"],
    ["a user_id that is too long", { user_id: "x".repeat(1_025), password: "x" }, "user_id"],
    ["a user_id of too many bytes", { user_id: "\u20ac".repeat(342), password: "x" }, "user_id"],
    ["U+0000 in a user_id", { user_id: "a\0", password: "x" }, "user_id"],
    ["a user_id that is a path of its own", { user_id: "..", password: "x" }, "user_id"],
    ["no password", { user_id: "u" }, "password"],
    ["an empty password", { user_id: "u", password: "" }, "password"],
    ["a password that is a number", { user_id: "u", password: 1 }, "password"],
    ["rights as text", { user_id: "u", password: "x", is_superuser: "true" }, "is_superuser"],
  ])("refuse %s", async (_name, body, place) => {
    const deployment = await WholeDeployment.whole(nextId());
    expect(await call(deployment, "POST", USERS, { body })).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST", message: expect.stringContaining(place) },
    });
  });

  it("refuse a change of nothing, and another authenticator", async () => {
    const deployment = await WholeDeployment.whole(nextId());
    expect((await call(deployment, "PUT", `${USERS}/first`, { body: {} })).status).toBe(400);
    expect(await call(deployment, "GET", "/authentication/jwt/users")).toMatchObject({
      status: 404,
      body: { code: "NOT_FOUND", message: expect.stringContaining("password_based:built_in_database") },
    });
  });
});
