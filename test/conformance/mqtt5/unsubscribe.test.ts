// UNSUBSCRIBE and UNSUBACK, sections 3.10 and 3.11.

import { expect } from "vitest";
import { hex, property, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, unsubscribe } from "../harness/packets.ts";

it.for([0xa0, 0xa1, 0xa3, 0xa6, 0xaa])(
  "[MQTT-3.10.1-1] UNSUBSCRIBE with the first byte %i is malformed",
  async (first, { broker }) => {
    const client = await broker.connect(5);
    client.send(u8(first), unsubscribe(5, 1, [broker.topic()]).subarray(1));
    await client.ended(0x81);
  },
);

it("[MQTT-3.10.3-1] a filter of ill-formed UTF-8 is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(unsubscribe(5, 1, [hex("ff")]));
  await client.ended(0x81);
});

it("[MQTT-3.10.3-2] UNSUBSCRIBE without a filter is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(unsubscribe(5, 1, []));
  await client.ended(0x82);
});

it("[MQTT-2.2.1-3] UNSUBSCRIBE with packet id 0 is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(unsubscribe(5, 0, [broker.topic()]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-4.13.1-1] UNSUBSCRIBE with a property that it does not have is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(unsubscribe(5, 1, [broker.topic()], [property.subscriptionIdentifier(1)]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.10.4-1] a filter is compared as it is written", async ({ broker }) => {
  const topic = broker.topic("a/b");
  const client = await broker.connect(5);
  await client.subscribe([{ filter: broker.topic("a/+") }]);
  expect(await client.unsubscribe([topic, broker.topic("a/#"), broker.topic("A/+")])).toEqual([0x11, 0x11, 0x11]);
  client.publish({ topic, payload: "still subscribed" });
  expect(String((await client.message()).payload)).toBe("still subscribed");
  expect(await client.unsubscribe([broker.topic("a/+")])).toEqual([0x00]);
});

it("[MQTT-3.10.4-2] after UNSUBACK nothing new comes", async ({ broker }) => {
  const [topic, marker] = [broker.topic("a"), broker.topic("marker")];
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }, { filter: marker }]);
  await client.unsubscribe([topic]);
  await client.publishSafely({ topic });
  await client.publishSafely({ topic: marker });
  expect((await client.message()).topic).toBe(marker);
});

it("[MQTT-3.10.4-3] what has been sent already is completed", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const options = { clientId, clean: false, properties: [property.sessionExpiryInterval(60)] };
  const first = await broker.connect(5, options);
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic });
  const { messageId = 0 } = await first.next("publish");
  await first.unsubscribe([topic]);
  await first.drop();
  const second = await broker.connect(5, options);
  const again = await second.next("publish");
  expect([again.messageId, again.dup]).toEqual([messageId, true]);
  second.send(acknowledge("puback", messageId));
  await second.ping();
});

it("[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBACK has the packet id, though nothing is removed", async ({
  broker,
}) => {
  const client = await broker.connect(5);
  client.send(unsubscribe(5, 4_711, [broker.topic()]));
  expect((await client.next("unsuback")).messageId).toBe(4_711);
});

it("[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] one UNSUBACK has a reason code a filter, in their order", async ({
  broker,
}) => {
  const client = await broker.connect(5);
  await client.subscribe([{ filter: broker.topic("a") }, { filter: broker.topic("c") }]);
  const codes = await client.unsubscribe([broker.topic("a"), broker.topic("b"), broker.topic("c"), broker.topic("a")]);
  expect(codes).toEqual([0x00, 0x11, 0x00, 0x11]);
});
