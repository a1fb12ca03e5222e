// GET /metrics: what real shards drop and refuse is counted there with its reason.

import { expect, it } from "vitest";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { Device, served } from "../edge/device.ts";
import { config } from "../shards/link-client.ts";
import { call } from "./api-client.ts";

const { limits: plan } = config(1);

async function metricsOf(deployment: Awaited<ReturnType<typeof served>>): Promise<Record<string, number>> {
  const { body } = await call(deployment, "GET", "/metrics?aggregate=true");
  return Object.fromEntries(Object.entries(body as Record<string, number>).filter(([, value]) => value !== 0));
}

it("is an array with one node, and nothing is counted yet", async () => {
  const deployment = await served();
  const { status, body } = await call(deployment, "GET", "/metrics");
  expect(status).toBe(200);
  expect(body).toEqual([expect.objectContaining({ node: deployment.id, "messages.dropped": 0 })]);
  expect(await metricsOf(deployment)).toEqual({});
});

it.each([1, 2] as const)("a publish of QoS %i that is answered with 0x97 is counted as refused", async (qos) => {
  const deployment = await served(1, { limits: { ...plan, messagesPerSecond: 1 } });
  const device = await Device.connect(deployment, "c");
  const publish = { cmd: "publish", topic: "t", payload: "x", qos, retain: false, dup: false } as const;
  device.send({ ...publish, messageId: 1 }, { ...publish, messageId: 2 });
  const answer = qos === 1 ? "puback" : "pubrec";
  const codes = [(await device.take(answer)).reasonCode, (await device.take(answer)).reasonCode];
  expect(codes[1]).toBe(reasonCodes.quotaExceeded);
  expect(await metricsOf(deployment)).toMatchObject({ "messages.received": 2, "messages.refused": 1 });
});

it("QoS 0 beyond the rate is counted as dropped, with the reason", async () => {
  const deployment = await served(1, { limits: { ...plan, messagesPerSecond: 1 } });
  const device = await Device.connect(deployment, "c");
  const publish = { cmd: "publish", topic: "t", payload: "x", qos: 0, retain: false, dup: false } as const;
  device.send(publish, publish, publish);
  await expect
    .poll(() => metricsOf(deployment))
    .toEqual({ "messages.received": 3, "messages.dropped": 2, "messages.dropped.inbound_full": 2 });
});

it("a client for which there is no room is counted", async () => {
  const deployment = await served(1, { limits: { ...plan, sessionsMax: 1 } });
  await Device.connect(deployment, "a");
  const refused = await Device.attempt(deployment, "b");
  expect((await refused.take("connack")).reasonCode).toBe(reasonCodes.quotaExceeded);
  expect(await metricsOf(deployment)).toMatchObject({ "connections.refused": 1 });
});
