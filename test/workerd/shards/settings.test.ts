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
