// Packets that no client may send, sections 2 and 4.13.

import { expect } from "vitest";
import { hex, packet, u16, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, publish } from "../harness/packets.ts";

it.for([
  ["type 0", "0000", [0x81, 0x82]],
  ["CONNACK", "2003000000", [0x81, 0x82]],
  ["SUBACK", "90040001 0000", [0x81, 0x82]],
  ["UNSUBACK", "b0040001 0000", [0x81, 0x82]],
  ["PINGRESP", "d000", [0x81, 0x82]],
] as const)("[MQTT-4.13.1-1] a client's %s is refused", async ([, bytes, reasonCodes], { broker }) => {
  const client = await broker.connect(5);
  client.send(hex(bytes));
  await client.ended(...reasonCodes);
});

it.for([
  ["PUBACK", 0x41],
  ["PUBACK", 0x42],
  ["PUBREC", 0x51],
  ["PUBCOMP", 0x71],
  ["PUBCOMP", 0x72],
] as const)("[MQTT-2.1.3-1] %s with the first byte %i is malformed", async ([, first], { broker }) => {
  const client = await broker.connect(5);
  client.send(packet(first, u16(1)));
  await client.ended(0x81);
});

it.for([0x60, 0x61, 0x63, 0x66, 0x6a])(
  "[MQTT-3.6.1-1] PUBREL with the first byte %i is malformed",
  async (first, { broker }) => {
    const client = await broker.connect(5);
    client.send(packet(first, u16(1)));
    await client.ended(0x81);
  },
);

it("[MQTT-4.13.1-1] a Remaining Length of five bytes is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(hex("30ffffffff01"));
  await client.ended(0x81);
});

it("[MQTT-1.5.5-1] a Remaining Length of more bytes than it takes is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(hex("c08000"));
  await client.ended(0x81);
});

it.for([
  ["PUBACK", 0x40],
  ["PUBREC", 0x50],
  ["PUBREL", 0x62],
  ["PUBCOMP", 0x70],
] as const)("[MQTT-4.13.1-1] %s of one byte is malformed", async ([, first], { broker }) => {
  const client = await broker.connect(5);
  client.send(packet(first, u8(1)));
  await client.ended(0x81);
});

it.for([
  ["[MQTT-3.4.2-1]", "PUBACK", 0x40],
  ["[MQTT-3.5.2-1]", "PUBREC", 0x50],
  ["[MQTT-3.6.2-1]", "PUBREL", 0x62],
  ["[MQTT-3.7.2-1]", "PUBCOMP", 0x70],
] as const)("%s %s with a reason code that it does not have is refused", async ([, , first], { broker }) => {
  const client = await broker.connect(5);
  client.send(packet(first, u16(1), u8(0x8e)));
  await client.ended(0x81, 0x82);
});

it.for([
  ["an overlong slash", "c0af"],
  ["a surrogate", "eda080"],
  ["a surrogate pair in UTF-8", "eda080edb080"],
  ["a code point past the last", "f4908080"],
  ["a sequence that is cut off", "61e282"],
  ["a lone continuation", "80"],
] as const)("[MQTT-1.5.4-1] a topic with %s is malformed", async ([, bytes], { broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: hex(bytes) });
  await client.ended(0x81);
});

it("[MQTT-1.5.4-2] a topic with a null is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: hex("61 00 62") });
  await client.ended(0x81, 0x90);
});

it("[MQTT-4.13.2-1] what is malformed ends the connection, and what came before it counts", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(5);
  client.send(publish(5, { topic, payload: "before" }), hex("f000ff"), publish(5, { topic, payload: "behind" }));
  await client.ended(0x81, 0x82);
  expect(String((await watcher.message()).payload)).toBe("before");
  await watcher.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT-2.2.1-5] an acknowledgement of a packet id that is not in use harms nobody", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(acknowledge("puback", 99), acknowledge("pubcomp", 98));
  await client.ping();
});
