// Messages that no session shard wants but the one that they come from: it finds their outcome itself.

import { expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { TestDeployment, text } from "./link-client.ts";

/** Nothing is written because somebody is slow. */
const settings = { ...defaultBrokerSettings, ackDeadlineMs: 60_000 };

it("acknowledges each when its own recipients have, whatever others wait for", async () => {
  const deployment = await TestDeployment.create("own1x", 1, { settings });
  const [silent, prompt] = [await deployment.connect("silent"), await deployment.connect("prompt")];
  await silent.subscribe("to/silent");
  await prompt.subscribe("to/prompt");
  const [first, second] = [await deployment.connect("p"), await deployment.connect("q")];
  const acknowledged = first.publish("to/silent", "waits");
  const message = await silent.message(false);
  const others = [1, 2, 3].map((each) => second.publish("to/prompt", `${each}`, { messageId: each }));
  for (const each of ["1", "2", "3"]) expect(text(await prompt.message())).toBe(each);
  expect(await Promise.all(others)).toEqual([0, 0, 0]);
  expect(first.log.filter(({ cmd }) => cmd === "puback")).toEqual([]);
  silent.send({ cmd: "puback", messageId: message.messageId ?? 0 });
  expect(await acknowledged).toBe(0);
});

it("acknowledges what was stored for who is away", async () => {
  const deployment = await TestDeployment.create("own2x", 1);
  const away = await deployment.connect("away");
  await away.subscribe("kept");
  away.close();
  await away.closed;
  const publisher = await deployment.connect("p");
  expect(await publisher.publish("kept", "safe")).toBe(0);
  await deployment.evict("close");
  const back = await deployment.connect("away");
  expect(text(await back.message())).toBe("safe");
});

it("waits for who has not acknowledged, though it is stored for who is away", async () => {
  const deployment = await TestDeployment.create("own3x", 1, { settings });
  const [away, silent] = [await deployment.connect("away"), await deployment.connect("silent")];
  await away.subscribe("both");
  await silent.subscribe("both");
  away.close();
  await away.closed;
  const [first, second] = [await deployment.connect("p"), await deployment.connect("q")];
  const acknowledged = first.publish("both", "x");
  const message = await silent.message(false);
  expect(await second.publish("nobody", "x")).toBe(0x10);
  expect(first.log.filter(({ cmd }) => cmd === "puback")).toEqual([]);
  silent.send({ cmd: "puback", messageId: message.messageId ?? 0 });
  expect(await acknowledged).toBe(0);
});

it("[MQTT-3.4.2-1] answers 0x10 when nobody subscribes any more, though the route still stands", async () => {
  const deployment = await TestDeployment.create("own4x", 1, { settings });
  const subscriber = await deployment.connect("s");
  await subscriber.subscribe("left");
  subscriber.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["left"] });
  await subscriber.take("unsuback");
  const publisher = await deployment.connect("p");
  expect(await publisher.publish("left", "x")).toBe(0x10);
});
