// Settings that change while clients are connected are in force for them at once.

import { expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { config, TestDeployment, text } from "./link-client.ts";

it("bounds what is in flight to a connected client, and what waits for one that is not", async () => {
  const here = await TestDeployment.create("settings1x", 1);
  const away = await here.connect("away");
  await away.subscribe("t");
  away.close();
  await away.closed;
  const client = await here.connect("client");
  await client.subscribe("t");
  const publisher = await here.connect("publisher");
  await publisher.publish("t", "0");
  expect(text(await client.message())).toBe("0");

  await here.configure(
    config(1, { version: 2, settings: { ...defaultBrokerSettings, inflightMax: 1, queueLengthMax: 2 } }),
  );
  for (const payload of ["1", "2", "3"]) await publisher.publish("t", payload);
  await client.subscribe("marker"); // What is sent comes before its answer.
  expect(client.log.filter(({ cmd }) => cmd === "publish")).toHaveLength(2);
  for (const payload of ["1", "2", "3"]) expect(text(await client.message())).toBe(payload);
  const back = await here.connect("away", { configVersion: 2 });
  for (const payload of ["2", "3"]) expect(text(await back.message())).toBe(payload);
  expect(await here.sessionShard(0).stats()).toMatchObject({ value: { droppedByReason: { queue_full: 2 } } });
});

it("sends what waits by the priorities of topics, whatever was forgotten meanwhile", async () => {
  const here = await TestDeployment.create("settings2x", 1);
  const away = await here.connect("away", { receiveMaximum: 1 });
  await away.subscribe("+", { qos: 2 });
  away.close();
  await away.closed;
  const publisher = await here.connect("publisher");
  await publisher.publish("low", "before");
  const settings = { ...defaultBrokerSettings, queueLengthMax: 6, queuePriorities: { high: 9, middle: 5 } };
  await here.configure(config(1, { version: 2, settings }));
  for (const topic of ["low", "middle", "high"]) await publisher.publish(topic, `${topic} 1`);
  await here.evict("hibernate");
  for (const topic of ["low", "middle", "high"]) await publisher.publish(topic, `${topic} 2`);

  const back = await here.connect("away", { configVersion: 2, receiveMaximum: 1 });
  const got: string[] = [];
  for (let i = 0; i < 6; i++) {
    const message = await back.message();
    got.push(text(message));
    if (i === 2) await here.evict("hibernate");
    back.send({ cmd: "puback", messageId: message.messageId ?? 0 });
  }
  expect(got).toEqual(["high 1", "high 2", "middle 1", "middle 2", "low 1", "low 2"]);
});

it("bounds how long a message lives", async () => {
  const settings = { ...defaultBrokerSettings, messageExpirySecondsMax: 30 };
  const here = await TestDeployment.create("settings3x", 1, { settings });
  const [client, publisher] = [await here.connect("client"), await here.connect("publisher")];
  await client.subscribe("t");
  const message = { cmd: "publish", topic: "t", payload: "x", qos: 1, retain: false, dup: false } as const;
  for (const [messageExpiryInterval, given] of [
    [100, 30],
    [10, 10],
  ] as const) {
    publisher.send({ ...message, messageId: 7, properties: { messageExpiryInterval } });
    const left = (await client.message()).properties?.messageExpiryInterval;
    expect(left).toBeLessThanOrEqual(given);
    expect(left).toBeGreaterThan(given - 5);
    await publisher.take("puback");
  }
});

it("bounds how long a message lives that says nothing of it", async () => {
  const settings = { ...defaultBrokerSettings, messageExpirySecondsMax: 1 };
  const here = await TestDeployment.create("settings4x", 1, { settings });
  const [client, publisher] = [await here.connect("client"), await here.connect("publisher")];
  await client.subscribe("t");
  client.close();
  await client.closed;
  expect(await publisher.publish("t", "dead")).toBe(0);
  await scheduler.wait(1_100);
  expect(await publisher.publish("t", "living")).toBe(0);
  expect(text(await (await here.connect("client")).message())).toBe("living");
});
