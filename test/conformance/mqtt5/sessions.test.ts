// Session state, sections 3.1.2.4, 3.1.2.11.2 and 4.1.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";

const kept = [property.sessionExpiryInterval(60)];

it("[MQTT-3.1.2-23] [MQTT-4.5.0-1] subscriptions and messages outlive the connection", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const away = await broker.connect(5, { clientId, properties: kept });
  await away.subscribe([{ filter: topic, qos: 1 }]);
  await away.drop();
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "while away" });
  const back = await broker.connect(5, { clientId, clean: false, properties: kept });
  expect(String((await back.message()).payload)).toBe("while away");
});

it("[MQTT-3.1.4-4] a clean start forgets subscriptions and messages", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const away = await broker.connect(5, { clientId, properties: kept });
  await away.subscribe([{ filter: topic, qos: 1 }]);
  await away.leave();
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "forgotten" });
  const back = await broker.connect(5, { clientId, properties: kept });
  await publisher.publishSafely({ topic, payload: "unwanted" });
  await back.subscribe([{ filter: topic, qos: 1 }]);
  await publisher.publishSafely({ topic, payload: "marker" });
  expect(String((await back.message()).payload)).toBe("marker");
});

it("[MQTT-4.1.0-1] a session lives while its connection does, whatever its expiry", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.sessionExpiryInterval(1)] });
  await client.subscribe([{ filter: topic, qos: 1 }]);
  await broker.keepAlivePasses(1);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "still here" });
  expect(String((await client.message()).payload)).toBe("still here");
});

it("[MQTT-4.1.0-2] a session whose expiry has passed is gone", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: [property.sessionExpiryInterval(1)] });
  await first.leave();
  await broker.keepAlivePasses(1);
  const { connack } = await broker.connectWith(5, { clientId, clean: false });
  expect(connack.sessionPresent).toBe(false);
});

it("[MQTT-4.1.0-2] without Session Expiry Interval a session ends with its connection", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId });
  await first.leave();
  const { connack } = await broker.connectWith(5, { clientId, clean: false });
  expect(connack.sessionPresent).toBe(false);
});

it("[MQTT-3.1.3-2] a client id names one session", async ({ broker }) => {
  const [one, other] = [broker.clientId(), broker.clientId()];
  const first = await broker.connect(5, { clientId: one, properties: kept });
  await first.leave();
  expect((await broker.connectWith(5, { clientId: other, clean: false })).connack.sessionPresent).toBe(false);
  expect((await broker.connectWith(5, { clientId: one, clean: false })).connack.sessionPresent).toBe(true);
});
