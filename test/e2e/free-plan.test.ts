// What a customer of the plan `free` meets: each bound with the reason code of the specification.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Inbox } from "../../scripts/demo/inbox.ts";
import type { NewDeployment } from "../../scripts/demo/service-api.ts";
import { flood } from "./flood.ts";
import { connect, signUp, StartedService } from "./service.ts";

let service: StartedService;
let made: NewDeployment;

beforeAll(async () => {
  service = await StartedService.start(["--plan", "free"]);
  made = await (await signUp(service.url)).createDeployment("free");
});
afterAll(async () => await service.dispose());

it("allows three deployments an account", async () => {
  const account = await signUp(service.url);
  for (const name of ["one", "two", "three"]) await account.createDeployment(name);
  const fourth = await account.call("POST", "/api/deployments", { name: "four" });
  expect(fourth.status).toBe(403);
  expect(await fourth.json()).toMatchObject({ error: { code: "quota_exceeded" } });
});

it("[MQTT-3.2.2-8] allows 1,000 sessions: the next gets 0x97", async () => {
  const account = await signUp(service.url);
  const crowded = await account.createDeployment("crowded");
  const clients: Inbox[] = [];
  try {
    for (let i = 0; i < 1_000; i += 50) {
      const batch = Array.from({ length: 50 }, (_, j) =>
        connect(crowded, { clientId: `c${i + j}`, protocolVersion: 5 }),
      );
      clients.push(...(await Promise.all(batch)));
    }
    const next = connect(crowded, { clientId: "one-too-many", protocolVersion: 5 });
    await expect(next).rejects.toMatchObject({ code: 0x97 });
  } finally {
    for (const { client } of clients) client.end(true);
  }
});

it("allows 100 subscriptions a client: the next gets 0x97", async () => {
  const client = await connect(made, { protocolVersion: 5 });
  const filters = Array.from({ length: 100 }, (_, i) => `filter/${i}`);
  await client.client.subscribeAsync(filters, { qos: 1 });
  await expect(client.client.subscribeAsync("one/too/many", { qos: 1 })).rejects.toThrow(/quota/i);
  await client.client.unsubscribeAsync("filter/0");
  await client.client.subscribeAsync("now/allowed", { qos: 1 });
  await client.end();
});

it("allows a payload of 1 MiB: a byte more ends the client with 0x95", async () => {
  const client = await connect(made, { protocolVersion: 5 });
  await client.client.publishAsync("large", Buffer.alloc(1_048_576), { qos: 1 });
  const reason = new Promise((resolve) => client.client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));
  client.client.publish("large", Buffer.alloc(1_048_577), { qos: 1 });
  expect(await reason).toBe(0x95);
  client.client.end(true);
});

it("allows 2,000 retained messages: the next gets 0x97, replacing one does not", { timeout: 90_000 }, async () => {
  const own = await (await signUp(service.url)).createDeployment("own"); // It uses up a deployment's rate.
  const client = await connect(own, { protocolVersion: 5 });
  const publish = async (topic: string, payload: string, retain = true) =>
    await client.client.publishAsync(topic, payload, { qos: 1, retain }).then(
      () => "taken",
      ({ code }: { code?: number }) => code,
    );
  const eventually = { timeout: 60_000 };
  // The plan's rate refuses by the same code what comes too fast: that is sent again until it is taken.
  let missing = Array.from({ length: 2_000 }, (_, i) => `kept/${i}`);
  const retainMissing = async () => {
    const outcomes = await Promise.all(missing.map((topic) => publish(topic, "x")));
    missing = missing.filter((_, i) => outcomes[i] !== "taken");
    return missing.length;
  };
  await expect.poll(retainMissing, eventually).toBe(0);
  // What is taken around it shows that the rate had room, so it was refused for being one too many.
  const oneMore = () =>
    Promise.all([publish("other", "x", false), publish("kept/2000", "x"), publish("other", "x", false)]);
  await expect.poll(oneMore, eventually).toEqual(["taken", 0x97, "taken"]);
  await expect.poll(() => publish("kept/0", "y"), eventually).toBe("taken");
  await expect.poll(() => publish("kept/1", ""), eventually).toBe("taken");
  await expect.poll(() => publish("kept/2000", "x"), eventually).toBe("taken");
  await client.end();
});

it("allows 1,000 messages a second: what is beyond gets 0x97, later ones pass", async () => {
  const codes = (await Promise.all(Array.from({ length: 8 }, () => flood(made, 1_000)))).flat();
  expect(codes.filter((code) => code < 0x80).length).toBeGreaterThanOrEqual(1_000);
  expect(new Set(codes.filter((code) => code >= 0x80))).toEqual(new Set([0x97]));
  const later = async () => (await flood(made, 1))[0];
  await expect.poll(later, { timeout: 5_000 }).toBe(0x10);
});
