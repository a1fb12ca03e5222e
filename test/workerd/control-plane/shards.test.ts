// A deployment's shards: set by number or left to grow, bounded by the plan, and how far the data plane is.

import { describe, expect, it } from "vitest";
import type { Sharding } from "../../../src/contracts/rpc.ts";
import type { Env } from "../../../src/platform/env.ts";
import { bindings, Visitor } from "./visitor.ts";

const GROWTH = { session: 16, topic: 16 };
const still = { serving: 1, slotsToMove: 0 };

async function made(shards?: unknown, env: Partial<Env> = {}) {
  const visitor = await Visitor.signedUp({ DEFAULT_PLAN: "local", ...env });
  const { status, json } = await visitor.call("POST", "/api/deployments", { name: "sharded", shards });
  expect([201, 202]).toContain(status);
  const { id } = json.deployment;
  const path = `/api/deployments/${id}`;
  const change = (body: object) => visitor.call("PATCH", path, body);
  const inForce = async () => {
    const admission = await bindings.DEPLOYMENT.getByName(id).admit(null);
    if (!admission.ok) throw new Error(admission.error);
    const { version, shards: numbers, growth, status: is, settings } = admission.value.config;
    return { version, shards: numbers, growth, is, settings };
  };
  return { visitor, id, path, deployment: json.deployment, change, inForce };
}

/** The real objects, but that they tell this of their shards. */
function objectsThatTell(sharding: () => Promise<unknown>) {
  const { DEPLOYMENT } = bindings;
  const configure: ReturnType<typeof DEPLOYMENT.getByName>["configure"] = (id, config, credentials) =>
    DEPLOYMENT.getByName(id).configure(id, config, credentials);
  return { getByName: () => ({ configure, sharding }) } as never;
}

function grown(session: number, topic: number): () => Promise<unknown> {
  const value: Sharding = {
    session: { wanted: session, serving: session, slotsToMove: 0 },
    topic: { wanted: topic, serving: topic, slotsToMove: 0 },
    moving: null,
  };
  return () => Promise.resolve({ ok: true, value });
}

describe("shards of a new deployment", () => {
  it("are one of each kind, which grow by themselves where the plan lets them", async () => {
    const { deployment, inForce } = await made();
    expect(deployment.shards).toEqual({ session: 1, topic: 1, automatic: true });
    expect(await inForce()).toMatchObject({ version: 1, shards: { session: 1, topic: 1 }, growth: GROWTH });
    const free = await made(undefined, { DEFAULT_PLAN: "free" });
    expect(free.deployment.shards).toEqual({ session: 1, topic: 1, automatic: false });
    expect((await free.inForce()).growth).toBeUndefined();
  });

  it("are the operator's number, which does not grow", async () => {
    const { deployment, inForce } = await made(undefined, { DEPLOYMENT_SHARDS: "2" });
    expect(deployment.shards).toEqual({ session: 2, topic: 2, automatic: false });
    const { shards, growth } = await inForce();
    expect([shards, growth]).toEqual([{ session: 2, topic: 2 }, undefined]);
  });

  it("are what is asked for", async () => {
    const { deployment, inForce } = await made({ session: 3 });
    expect(deployment.shards).toEqual({ session: 3, topic: 1, automatic: false });
    const { shards, growth } = await inForce();
    expect([shards, growth]).toEqual([{ session: 3, topic: 1 }, undefined]);
  });
});

describe("a change of shards", () => {
  it("to numbers ends growth, to `automatic` begins it again from those", async () => {
    const { visitor, path, change, inForce } = await made();
    const set = await change({ shards: { session: 4, topic: 2 } });
    expect(set.json.deployment.shards).toEqual({ session: 4, topic: 2, automatic: false });
    const { version, shards, growth } = await inForce();
    expect([version, shards, growth]).toEqual([2, { session: 4, topic: 2 }, undefined]);
    await change({ shards: { topic: 3 } });
    expect(await inForce()).toMatchObject({ version: 3, shards: { session: 4, topic: 3 } });
    const again = await change({ shards: "automatic" });
    expect(again.json.deployment.shards).toEqual({ session: 4, topic: 3, automatic: true });
    expect(await inForce()).toMatchObject({ version: 4, shards: { session: 4, topic: 3 }, growth: GROWTH });
    expect((await visitor.call("GET", path)).json.deployment.shards.automatic).toBe(true);
    const [listed] = (await visitor.call("GET", "/api/deployments")).json.deployments;
    expect(listed.shards).toEqual({ session: 4, topic: 3, automatic: true });
  });

  it("makes one version with what else changes, and none if nothing does", async () => {
    const { change, inForce } = await made();
    await change({ shards: "automatic" });
    expect((await inForce()).version).toBe(1);
    // The same numbers, but from now on it does not grow.
    await change({ shards: { session: 1, topic: 1 } });
    expect((await inForce()).version).toBe(2);
    await change({ shards: { session: 1, topic: 1 } });
    await change({ shards: { topic: 1 } });
    expect((await inForce()).version).toBe(2);
    await change({ name: "x", status: "stopped", settings: { inflightMax: 7 }, shards: { session: 2 } });
    const stopped = { version: 3, is: "stopped", settings: { inflightMax: 7 }, shards: { session: 2, topic: 1 } };
    expect(await inForce()).toMatchObject(stopped);
    await change({ status: "stopped", settings: { inflightMax: 7 }, shards: { session: 2, topic: 1 } });
    expect((await inForce()).version).toBe(3);
    await change({ settings: { inflightMax: 8 }, shards: "automatic" });
    expect(await inForce()).toMatchObject({ version: 4, settings: { inflightMax: 8 }, growth: GROWTH });
  });

  it("loses none of others at the same time", async () => {
    const { visitor, path, change } = await made({ session: 1, topic: 1 });
    const changes = [{ shards: { session: 2 } }, { shards: { topic: 3 } }, { settings: { ackDeadlineMs: 9 } }];
    await Promise.all(changes.map((body) => change(body)));
    const { shards, settings } = (await visitor.call("GET", path)).json.deployment;
    expect([shards, settings.ackDeadlineMs]).toEqual([{ session: 2, topic: 3, automatic: false }, 9]);
  });

  it("leaves the kind that it does not name as far as it has grown", async () => {
    const { visitor, change } = await made();
    visitor.env.DEPLOYMENT = objectsThatTell(grown(2, 3));
    expect((await change({ shards: { session: 4 } })).json.deployment.shards).toEqual({
      session: 4,
      topic: 3,
      automatic: false,
    });
    // It does not grow any more: its row says how many there are.
    visitor.env.DEPLOYMENT = objectsThatTell(grown(9, 9));
    expect((await change({ shards: { topic: 1 } })).json.deployment.shards.session).toBe(4);
  });

  it("is not made while a deployment that grew does not tell how far", async () => {
    const { visitor, path, change } = await made();
    visitor.env.DEPLOYMENT = objectsThatTell(() => Promise.reject(new Error("cut")));
    const { status, json } = await change({ shards: { session: 4 } });
    expect([status, json.error.code]).toEqual([503, "unavailable"]);
    expect((await visitor.call("GET", path)).json.deployment.shards).toMatchObject({ session: 1, automatic: true });
    expect((await change({ shards: { session: 4, topic: 1 } })).json.deployment.shards.session).toBe(4);
  });

  it.each([
    [{}, "nothing to change"],
    [{ session: 0 }, "shards.session"],
    [{ topic: 1_025 }, "shards.topic"],
    [{ session: "2" }, "shards: must be"],
    [{ sessions: 2 }, "sessions"],
    ["auto", "shards: must be"],
    [null, "shards: must be"],
  ])("to %j is refused where it is wrong", async (shards, where) => {
    const { visitor, path, change, inForce } = await made({ session: 1 });
    const body = { name: "x", shards };
    const refused = await visitor.call("POST", "/api/deployments", body);
    for (const { status, text } of [await change(body), refused]) {
      expect([status, text]).toEqual([400, expect.stringContaining(where)]);
    }
    expect((await visitor.call("GET", path)).json.deployment.name).toBe("sharded");
    expect((await inForce()).version).toBe(1);
  });

  it.each([
    [{ session: 2 }, "The plan allows 1 session shard a deployment."],
    [{ session: 1, topic: 2 }, "The plan allows 1 topic shard a deployment."],
    ["automatic", "Deployments of the plan do not grow by themselves."],
  ])("to %j is more than `free` allows", async (shards, message) => {
    const { visitor, change, inForce } = await made({ session: 1, topic: 1 }, { DEFAULT_PLAN: "free" });
    const body = { name: "x", shards };
    const refused = await visitor.call("POST", "/api/deployments", body);
    for (const { status, json } of [await change(body), refused]) {
      expect([status, json.error.code, json.error.message]).toEqual([403, "quota_exceeded", message]);
    }
    expect((await inForce()).version).toBe(1);
  });
});

describe("the progress", () => {
  it("of a fresh deployment is done", async () => {
    const { visitor, path } = await made();
    const { status, json } = await visitor.call("GET", `${path}/shards`);
    const one = { wanted: 1, ...still };
    expect([status, json]).toEqual([200, { shards: { session: one, topic: one, moving: null, done: true } }]);
  });

  it("tells what moves", async () => {
    const { visitor, path } = await made();
    const moving = { kind: "session", from: 0, to: 1, slots: 64, failed: 2 };
    const value = { session: { wanted: 2, serving: 2, slotsToMove: 448 }, topic: { wanted: 1, ...still }, moving };
    visitor.env.DEPLOYMENT = objectsThatTell(() => Promise.resolve({ ok: true, value }));
    const { status, json } = await visitor.call("GET", `${path}/shards`);
    expect([status, json]).toEqual([200, { shards: { ...value, done: false } }]);
  });

  it("is not done while slots are to move, or the object was not told everywhere", async () => {
    const { visitor, path, change } = await made();
    const done = async () => (await visitor.call("GET", `${path}/shards`)).json.shards.done;
    const value = { session: { wanted: 2, serving: 1, slotsToMove: 1 }, topic: { wanted: 1, ...still }, moving: null };
    visitor.env.DEPLOYMENT = objectsThatTell(() => Promise.resolve({ ok: true, value }));
    expect(await done()).toBe(false);
    const configure = () => Promise.resolve({ ok: true, value: { version: 1, everywhere: false } });
    visitor.env.DEPLOYMENT = { getByName: () => ({ configure, sharding: grown(1, 1) }) } as never;
    expect((await change({ shards: { session: 2, topic: 1 } })).status).toBe(202);
    expect(await done()).toBe(false);
  });

  it("is 503 when the data plane does not answer, and 409 before there is any", async () => {
    const { visitor, path } = await made();
    visitor.env.DEPLOYMENT = objectsThatTell(() => Promise.reject(new Error("cut")));
    const cut = await visitor.call("GET", `${path}/shards`);
    expect([cut.status, cut.json.error.code, cut.text]).toEqual([
      503,
      "unavailable",
      expect.not.stringContaining("cut"),
    ]);
    visitor.env.DEPLOYMENT = objectsThatTell(() => Promise.resolve({ ok: false, error: "not_provisioned" }));
    const gone = await visitor.call("GET", `${path}/shards`);
    expect([gone.status, gone.json.error.code]).toEqual([409, "not_ready"]);
  });

  it("is its owner's alone", async () => {
    const { path } = await made();
    expect((await (await Visitor.signedUp()).call("GET", `${path}/shards`)).status).toBe(404);
    expect((await new Visitor().call("GET", `${path}/shards`)).status).toBe(401);
  });
});
