// Receive Maximum, sections 3.3.4 and 4.9, and Maximum Packet Size, section 3.1.2.11.4.

import { expect } from "vitest";
import { property } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, pingreq, subscribe, unsubscribe } from "../harness/packets.ts";

it("[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more than Receive Maximum are unacknowledged, the rest waits", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.receiveMaximum(2)] });
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  for (const payload of ["1", "2", "3", "4"]) await publisher.publishSafely({ topic, payload });
  const [first, second] = [await client.next("publish"), await client.next("publish")];
  expect([String(first.payload), String(second.payload)]).toEqual(["1", "2"]);
  // Behind an answer of the session's own, a third would have come.
  await client.subscribe([{ filter: broker.topic("other") }]);
  await client.ping();
  client.send(acknowledge("puback", first.messageId ?? 0));
  expect(String((await client.next("publish")).payload)).toBe("3");
  await client.ping();
  client.send(acknowledge("puback", second.messageId ?? 0));
  expect(String((await client.next("publish")).payload)).toBe("4");
});

it("[MQTT-3.3.4-10] [MQTT-4.9.0-3] with the window full, everything else is answered", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.receiveMaximum(1)] });
  await client.subscribe([{ filter: topic, qos: 1 }]);
  await client.publishSafely({ topic, payload: "unacknowledged" });
  await client.next("publish");
  await client.publishSafely({ topic, payload: "waits" });
  client.send(pingreq());
  await client.next("pingresp");
  await client.subscribe([{ filter: broker.topic("other") }]);
  await client.unsubscribe([broker.topic("other")]);
});

it("[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message larger than the client takes is left out, and counts as sent", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.maximumPacketSize(200), property.receiveMaximum(1)] });
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "x".repeat(300) });
  await publisher.publishSafely({ topic, payload: "small" });
  expect(String((await client.message()).payload)).toBe("small");
});

it("[MQTT-3.1.2-24] a message of exactly Maximum Packet Size is sent", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5, { properties: [property.maximumPacketSize(400)] });
  await client.subscribe([{ filter: topic }]);
  const overhead = 1 + 2 + 2 + topic.length + 1;
  client.publish({ topic, payload: "x".repeat(401 - overhead) });
  client.publish({ topic, payload: "y".repeat(400 - overhead) });
  const { raw, packet } = await client.nextRaw("publish");
  expect(raw.length).toBe(400);
  expect(packet.cmd).toBe("publish");
  expect(raw.at(-1)).toBe("y".codePointAt(0));
});

it("[MQTT-3.2.2-15] a packet larger than the server takes is 0x95", async ({ broker }) => {
  const { client, connack } = await broker.connectWith(5);
  const maximum = connack.properties?.maximumPacketSize ?? 268_435_455;
  expect(maximum).toBeLessThan(10_000_000);
  client.publish({ topic: broker.topic(), payload: new Uint8Array(maximum) });
  await client.ended(0x95);
});

it.for([
  ["[MQTT-3.4.2-2] [MQTT-3.4.2-3]", "PUBACK"],
  ["[MQTT-3.9.2-1] [MQTT-3.9.2-2]", "SUBACK"],
  ["[MQTT-3.11.2-1] [MQTT-3.11.2-2]", "UNSUBACK"],
] as const)("%s %s is within Maximum Packet Size", async ([, kind], { broker }) => {
  const probe = await broker.connecting(5);
  const maximum = (await probe.nextRaw("connack")).raw.length;
  const client = await broker.connect(5, { properties: [property.maximumPacketSize(maximum)] });
  const topic = broker.topic();
  if (kind === "PUBACK") client.publish({ topic, qos: 1, packetId: 1 });
  if (kind === "SUBACK") expect(await client.subscribe([{ filter: topic }])).toEqual([0]);
  if (kind === "UNSUBACK") expect(await client.unsubscribe([topic])).toEqual([0x11]);
  if (kind === "PUBACK") expect((await client.nextRaw("puback")).raw.length).toBeLessThanOrEqual(maximum);
});

it.for(["SUBACK", "UNSUBACK"])(
  "[MQTT-3.1.2-24] %s of more than Maximum Packet Size ends it instead",
  async (kind, { broker }) => {
    const client = await broker.connect(5, { properties: [property.maximumPacketSize(200)] });
    const filters = Array.from({ length: 200 }, (_, i) => broker.topic(`${i}`));
    if (kind === "SUBACK")
      client.send(
        subscribe(
          5,
          1,
          filters.map((filter) => ({ filter })),
        ),
      );
    else client.send(unsubscribe(5, 1, filters));
    await client.ended(0x95, 0x97);
  },
);

it("[MQTT-3.1.2-29] without problem information, no acknowledgement explains itself", async ({ broker }) => {
  const client = await broker.connect(5, { properties: [property.requestProblemInformation(0)] });
  const topic = broker.topic();
  client.publish({ topic, qos: 1, packetId: 1 });
  const puback = await client.next("puback");
  expect([puback.properties?.reasonString, puback.properties?.userProperties]).toEqual([undefined, undefined]);
  client.send(acknowledge("pubrel", 77));
  const pubcomp = await client.next("pubcomp");
  expect([pubcomp.properties?.reasonString, pubcomp.properties?.userProperties]).toEqual([undefined, undefined]);
});
