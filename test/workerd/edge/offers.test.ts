// What a 5.0 client may ask of the server in CONNECT, and gets: topic aliases, Response Information.

import { expect, it } from "vitest";
import { config } from "../shards/link-client.ts";
import { Device, served } from "./device.ts";

it("[MQTT-3.1.2-26] [MQTT-3.1.2-27] topics that repeat come by alias to who takes aliases, and by name to who does not", async () => {
  const deployment = await served();
  const taking = await Device.connect(deployment, "taking", { properties: { topicAliasMaximum: 1 } });
  const plain = await Device.connect(deployment, "plain");
  await taking.subscribe("sensors/#");
  await plain.subscribe("sensors/#");
  const publisher = await Device.connect(deployment, "p");
  for (const topic of ["sensors/a", "sensors/a", "sensors/b", "sensors/b"]) {
    expect(await publisher.publish(topic, topic)).toBe(0);
  }
  const received = async (device: Device) => {
    const { topic, payload, properties } = await device.message();
    return [topic, payload.toString(), properties?.topicAlias];
  };
  const expected = [
    ["sensors/a", "sensors/a", 1],
    ["", "sensors/a", 1],
    ["sensors/b", "sensors/b", 1],
    ["", "sensors/b", 1],
  ];
  for (const each of expected) expect(await received(taking)).toEqual(each);
  for (const [, text] of expected) expect(await received(plain)).toEqual([text, text, undefined]);
});

it("[MQTT-3.1.2-28] Response Information holds the client's id, given or assigned, and is for who asks", async () => {
  const { settings } = config(1);
  const deployment = await served(1, { settings: { ...settings, responseInformation: "answers/${clientid}/" } });
  const told = async (clientId: string, requestResponseInformation: boolean) => {
    const device = await Device.attempt(deployment, clientId, { properties: { requestResponseInformation } });
    return (await device.take("connack")).properties;
  };
  expect((await told("c", true))?.responseInformation).toBe("answers/c/");
  expect((await told("d", false))?.responseInformation).toBeUndefined();
  const assigned = await told("", true);
  expect(assigned?.responseInformation).toBe(`answers/${assigned?.assignedClientIdentifier}/`);
});
