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
});
