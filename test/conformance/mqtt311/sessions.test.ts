// Sessions of 3.1.1: clean and kept, what is sent again, and wills, which end with the connection.

import { expect } from "vitest";
import type { Broker } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { acknowledge } from "../harness/packets.ts";

it("[MQTT311-3.1.2-4] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] a session that is not clean is resumed", async ({
  broker,
}) => {
  const clientId = broker.clientId();
  const first = await broker.connectWith(4, { clientId, clean: false });
  expect(first.connack.sessionPresent).toBe(false);
  await first.client.drop();
  expect((await broker.connectWith(4, { clientId, clean: false })).connack.sessionPresent).toBe(true);
});

it("[MQTT311-3.1.2-5] [MQTT311-4.5.0-1] messages of QoS 1 and 2 wait for a session that is kept", async ({
  broker,
}) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const away = await broker.connect(4, { clientId, clean: false });
  await away.subscribe([{ filter: topic, qos: 2 }]);
  await away.leave();
  const publisher = await broker.connect(4);
  await publisher.publishSafely({ topic, payload: "1" });
  await publishExactlyOnce(publisher, topic, "2");
  const back = await broker.connect(4, { clientId, clean: false });
  for (const qos of [1, 2]) {
    const message = await back.message();
    expect([String(message.payload), message.qos]).toEqual([`${qos}`, qos]);
  }
});

it("[MQTT311-3.1.2-6] [MQTT311-3.1.4-3] [MQTT311-3.2.2-1] a clean session forgets what was, and is forgotten", async ({
  broker,
}) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const away = await broker.connect(4, { clientId, clean: false });
  await away.subscribe([{ filter: topic, qos: 1 }]);
  await away.leave();
  const clean = await broker.connectWith(4, { clientId, clean: true });
  expect(clean.connack.sessionPresent).toBe(false);
  await clean.client.subscribe([{ filter: topic, qos: 1 }]);
  await clean.client.leave();
  const kept = await broker.connectWith(4, { clientId, clean: false });
  expect(kept.connack.sessionPresent).toBe(false);
  await kept.client.publishSafely({ topic, payload: "unwanted" });
  await kept.client.subscribe([{ filter: broker.topic("other") }]);
  await kept.client.ping();
});

it("[MQTT311-3.1.2-7] retained messages outlive the session of their publisher", async ({ broker }) => {
  const topic = broker.topic();
  const publisher = await broker.connect(4);
  await publisher.publishSafely({ topic, payload: "kept", retain: true });
  await publisher.leave();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic }]);
  expect(String((await client.message()).payload)).toBe("kept");
});

it("[MQTT311-3.1.3-2] a client id names one session", async ({ broker }) => {
  const [one, other] = [broker.clientId(), broker.clientId()];
  await (await broker.connect(4, { clientId: one, clean: false })).leave();
  expect((await broker.connectWith(4, { clientId: other, clean: false })).connack.sessionPresent).toBe(false);
});

it("[MQTT311-4.1.0-1] [MQTT311-4.1.0-2] a session lasts as long as its connection", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  await broker.keepAlivePasses(1);
  await client.publishSafely({ topic });
  await client.message();
});

it("[MQTT311-4.4.0-1] [MQTT311-3.3.1-1] [MQTT311-2.3.1-4] [MQTT311-4.6.0-1] what was not acknowledged comes again, in its order", async ({
  broker,
}) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const first = await broker.connect(4, { clientId, clean: false });
  await first.subscribe([{ filter: topic, qos: 2 }]);
  const publisher = await broker.connect(4);
  await publisher.publishSafely({ topic, payload: "1" });
  await publishExactlyOnce(publisher, topic, "2");
  await publishExactlyOnce(publisher, topic, "released");
  const ids = [];
  for (let count = 0; count < 3; count += 1) ids.push((await first.next("publish")).messageId ?? 0);
  first.send(acknowledge("pubrec", ids[2] ?? 0));
  await first.next("pubrel");
  await first.drop();
  const back = await broker.connect(4, { clientId, clean: false });
  for (const [index, payload] of ["1", "2"].entries()) {
    const again = await back.pick("publish");
    expect([String(again.payload), again.dup, again.messageId]).toEqual([payload, true, ids[index]]);
  }
  expect((await back.pick("pubrel")).messageId).toBe(ids[2]);
});

it("[MQTT311-3.1.2-8] a will is published when the connection fails", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic, qos: 2 }]);
  for (const qos of [0, 1, 2]) {
    const client = await broker.connect(4, { will: { topic, payload: "gone", qos } });
    await client.drop();
    const message = await watcher.message();
    expect([String(message.payload), message.qos]).toEqual(["gone", qos]);
  }
});

it("[MQTT311-3.1.2-10] [MQTT311-3.14.4-3] DISCONNECT discards the will", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(4, { clientId, will: { topic, payload: "unwanted" } });
  await client.leave();
  const back = await broker.connect(4, { clientId });
  await back.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT311-3.1.2-12] without a will nothing is published", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: broker.topic("#") }]);
  await (await broker.connect(4, { clientId })).drop();
  const back = await broker.connect(4, { clientId });
  await back.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it.for([
  ["[MQTT311-3.1.2-16]", false],
  ["[MQTT311-3.1.2-17]", true],
] as const)("%s a will is retained as it says: %s", async ([, retain], { broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(4, { will: { topic, payload: "will", retain } });
  await client.drop();
  await watcher.message();
  const late = await broker.connect(4);
  await late.subscribe([{ filter: topic }]);
  await late.publishSafely({ topic, payload: "marker" });
  const first = await late.message();
  expect([String(first.payload), first.retain]).toEqual(retain ? ["will", true] : ["marker", false]);
});

/** Publishes at QoS 2, to its end. */
async function publishExactlyOnce(
  client: Awaited<ReturnType<Broker["connect"]>>,
  topic: string,
  payload: string,
): Promise<void> {
  const packetId = client.takePacketId();
  client.publish({ topic, qos: 2, packetId, payload });
  await client.pick("pubrec");
  client.send(acknowledge("pubrel", packetId));
  await client.pick("pubcomp");
}
