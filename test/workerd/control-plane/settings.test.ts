// A deployment's settings: changed one by one, checked, in force everywhere without a restart.

import { expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { bindings, Visitor } from "./visitor.ts";

async function made(settings?: object) {
  const visitor = await Visitor.signedUp();
  const { status, json } = await visitor.call("POST", "/api/deployments", { name: "set", settings });
  expect(status).toBe(201);
  const path = `/api/deployments/${json.deployment.id}`;
  const change = (body: object) => visitor.call("PATCH", path, body);
  const set = (some: object) => change({ settings: some });
  const inForce = async () => {
    const admission = await bindings.DEPLOYMENT.getByName(json.deployment.id).admit(null);
    if (!admission.ok) throw new Error(admission.error);
    const { version, status: is, settings: all } = admission.value.config;
    return { version, is, settings: all };
  };
  return { visitor, path, deployment: json.deployment, change, set, inForce };
}

it("are the defaults, and each is changed alone", async () => {
  const { visitor, path, deployment, set, inForce } = await made();
  expect(deployment.settings).toEqual(defaultBrokerSettings);
  const changed = await set({ queueLengthMax: 50, messageExpirySecondsMax: 60 });
  const expected = { ...defaultBrokerSettings, queueLengthMax: 50, messageExpirySecondsMax: 60 };
  expect([changed.status, changed.json.deployment.settings]).toEqual([200, expected]);
  expect(await inForce()).toEqual({ version: 2, is: "running", settings: expected });

  const more = { messageExpirySecondsMax: null, sharedStrategy: "sticky", queuePriorities: { "a/alarm": 255 } };
  const again = { ...expected, ...more };
  await set(more);
  expect(await inForce()).toEqual({ version: 3, is: "running", settings: again });
  expect((await visitor.call("GET", path)).json.deployment.settings).toEqual(again);
  const [listed] = (await visitor.call("GET", "/api/deployments")).json.deployments;
  expect(listed.settings).toEqual(again);
});

it("are given when a deployment is made, too", async () => {
  const { deployment, inForce } = await made({ duplicateClientId: "refuse" });
  expect(deployment.settings).toEqual({ ...defaultBrokerSettings, duplicateClientId: "refuse" });
  expect((await inForce()).settings.duplicateClientId).toBe("refuse");
});

it("are the defaults when none is given of them", async () => {
  expect((await made({})).deployment.settings).toEqual(defaultBrokerSettings);
});

it("make one version with what else changes, and none if nothing does", async () => {
  const { change, set, inForce } = await made();
  await set({ inflightMax: 32 });
  expect((await inForce()).version).toBe(1);
  await change({ name: "x", status: "stopped", settings: { inflightMax: 1 } });
  expect(await inForce()).toMatchObject({ version: 2, is: "stopped", settings: { inflightMax: 1 } });
  await change({ status: "stopped", settings: { inflightMax: 2 } });
  expect(await inForce()).toMatchObject({ version: 3, is: "stopped", settings: { inflightMax: 2 } });
  await change({ status: "running", settings: { inflightMax: 2 } });
  expect(await inForce()).toMatchObject({ version: 4, is: "running", settings: { inflightMax: 2 } });
});

it("of changes at the same time none is lost", async () => {
  const { visitor, path, set } = await made();
  await Promise.all([set({ inflightMax: 7 }), set({ queueLengthMax: 8 }), set({ ackDeadlineMs: 9 })]);
  const { settings } = (await visitor.call("GET", path)).json.deployment;
  expect(settings).toEqual({ ...defaultBrokerSettings, inflightMax: 7, queueLengthMax: 8, ackDeadlineMs: 9 });
});

it.each([
  [{}, "nothing to change"],
  [{ queueLength: 1 }, "queueLength"],
  [{ queueLengthMax: 0 }, "queueLengthMax"],
  [{ queueLengthMax: 1e9 }, "queueLengthMax"],
  [{ queueLengthMax: "10" }, "queueLengthMax"],
  [{ inflightMax: 1.5 }, "inflightMax"],
  [{ inflightMax: null }, "inflightMax"],
  [{ keepAliveSecondsMax: 65_536 }, "keepAliveSecondsMax"],
  [{ messageExpirySecondsMax: 0 }, "messageExpirySecondsMax"],
  [{ responseInformation: "a\u0000" }, "responseInformation"],
  [{ duplicateClientId: "both" }, "duplicateClientId"],
  [{ sharedStrategy: "local" }, "sharedStrategy"],
  [{ queuePriorities: { "a/#": 1 } }, "queuePriorities"],
  [{ queuePriorities: { "": 1 } }, "queuePriorities"],
  [{ queuePriorities: { "a\ud800": 1 } }, "queuePriorities"],
  [{ queuePriorities: { a: 0 } }, "queuePriorities"],
  [{ queuePriorities: { a: 256 } }, "queuePriorities"],
  [{ queuePriorities: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`t/${i}`, 1])) }, "at most 64 topics"],
  [{ queuePriorities: { ["t".repeat(5_000)]: 1 } }, "queuePriorities"],
  [{ queueDefaultPriority: "middle" }, "queueDefaultPriority"],
])("%j is refused where it is wrong", async (settings, where) => {
  const { set, inForce } = await made();
  const { status, text } = await set(settings);
  expect([status, text]).toEqual([400, expect.stringContaining(where)]);
  expect((await inForce()).version).toBe(1);
});
