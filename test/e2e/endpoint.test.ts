// A deployment's endpoint seen from outside: who may upgrade, what is refused, one deployment beside another, the end.

import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { callDeployment, type NewDeployment } from "../../scripts/demo/service-api.ts";
import { connect, newDeployment, persistent, signUp, StartedService } from "./service.ts";

let service: StartedService;
let made: NewDeployment;

beforeAll(async () => {
  service = await StartedService.start();
  made = await newDeployment(service.url);
});
afterAll(async () => await service.dispose());

const httpEndpoint = (url: string) => url.replace(/^ws/, "http");

/** The status with which an upgrade is refused; 101 if it is not. */
async function upgradeStatus(url: string, protocols: string[]): Promise<number> {
  const socket = new WebSocket(url, protocols);
  socket.on("error", () => {});
  const status = await Promise.race([
    once(socket, "open").then(() => 101),
    once(socket, "unexpected-response").then(([, response]) => (response as { statusCode: number }).statusCode),
  ]);
  socket.terminate();
  return status;
}

it("answers a plain GET with 426", async () => {
  expect((await fetch(httpEndpoint(made.deployment.endpoints.mqtt))).status).toBe(426);
});

it("[MQTT-6.0.0-3] refuses an upgrade without the subprotocol with 400", async () => {
  expect(await upgradeStatus(made.deployment.endpoints.mqtt, [])).toBe(400);
  expect(await upgradeStatus(made.deployment.endpoints.mqtt, ["chat"])).toBe(400);
  expect(await upgradeStatus(made.deployment.endpoints.mqtt, ["mqtt"])).toBe(101);
});

it("[MQTT-6.0.0-1] closes with 1003 at a text frame", async () => {
  const socket = new WebSocket(made.deployment.endpoints.mqtt, ["mqtt"]);
  await once(socket, "open");
  socket.send("hello");
  const [code] = (await once(socket, "close")) as [number];
  expect(code).toBe(1003);
});

it("knows no made-up deployment", async () => {
  const { id } = made.deployment;
  const other = (id.endsWith("a") ? "b" : "a").padStart(id.length, id);
  expect(await upgradeStatus(made.deployment.endpoints.mqtt.replace(id, other), ["mqtt"])).toBe(404);
  expect((await fetch(`${service.url}/d/${other}/api/v5/clients`)).status).toBe(404);
});

it("takes packets of up to 1 MiB and no more than announced", async () => {
  const subscriber = await connect(made, { protocolVersion: 5 });
  const publisher = await connect(made, { protocolVersion: 5 });
  await subscriber.client.subscribeAsync("large", { qos: 1 });
  const payload = "x".repeat(1_048_576);
  await publisher.client.publishAsync("large", payload, { qos: 1 });
  expect((await subscriber.message(() => true)).text.length).toBe(payload.length);
  await Promise.all([subscriber.end(), publisher.end()]);
});

it("keeps two deployments apart: same client ids, topics, retained messages", async () => {
  const account = await signUp(service.url);
  const [one, two] = [await account.createDeployment("one"), await account.createDeployment("two")];
  const inOne = await connect(one, persistent("same", 5));
  const inTwo = await connect(two, persistent("same", 5));
  await inOne.client.subscribeAsync("#", { qos: 1 });
  await inTwo.client.subscribeAsync("#", { qos: 1 });
  await inOne.client.publishAsync("same/topic", "of one", { qos: 1, retain: true });
  await inTwo.client.publishAsync("same/topic", "of two", { qos: 1, retain: true });
  await inOne.message(() => true);
  await inTwo.message(() => true);
  // What comes last in each shows that nothing of the other came before.
  await inOne.client.publishAsync("end", "", { qos: 1 });
  await inTwo.client.publishAsync("end", "", { qos: 1 });
  await inOne.message(({ topic }) => topic === "end");
  await inTwo.message(({ topic }) => topic === "end");
  expect(inOne.received.map(({ text }) => text)).toEqual(["of one", ""]);
  expect(inTwo.received.map(({ text }) => text)).toEqual(["of two", ""]);
  await expect(connect(one, { ...two.credentials })).rejects.toThrow();
  const crossed = { ...one, apiKey: two.apiKey };
  expect((await callDeployment(crossed, "GET", "/clients")).status).toBe(401);
  const listed = (await (await callDeployment(one, "GET", "/clients")).json()) as { data: { clientid: string }[] };
  expect(listed.data).toHaveLength(1);
  await Promise.all([inOne.end(), inTwo.end()]);
});

it("ends the clients of a deleted deployment; its endpoint is 404 from then on", async () => {
  const account = await signUp(service.url);
  const doomed = await account.createDeployment("doomed");
  const { id, endpoints } = doomed.deployment;
  const client = await connect(doomed, { protocolVersion: 5 });
  const closed = new Promise((resolve) => client.client.once("close", () => resolve(true)));
  const deleted = await account.call("DELETE", `/api/deployments/${id}`);
  expect([200, 202, 204]).toContain(deleted.status);
  expect(await closed).toBe(true);
  // No device gets in any more. Where the edge had not learnt of the end yet, it has now.
  await expect(connect(doomed, { protocolVersion: 5 })).rejects.toThrow();
  expect(await upgradeStatus(endpoints.mqtt, ["mqtt"])).toBe(404);
  expect((await callDeployment(doomed, "GET", "/clients")).status).toBe(404);
  expect((await account.call("GET", `/api/deployments/${id}`)).status).toBe(404);
});
