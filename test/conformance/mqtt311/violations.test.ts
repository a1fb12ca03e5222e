// What closes a connection of 3.1.1, what ends it in peace, and PINGREQ, sections 2.2, 3.12, 3.14 and 4.8.

import { expect } from "vitest";
import { hex, packet, u16, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { publish } from "../harness/packets.ts";

it.for([
  ["type 0", "0000"],
  ["type 15", "f000"],
  ["CONNACK", "20020000"],
  ["SUBACK", "9003000100"],
  ["a Remaining Length of five bytes", "30ffffffff01"],
] as const)("[MQTT311-4.8.0-1] %s from a client closes the connection", async ([, bytes], { broker }) => {
  const client = await broker.connect(4);
  client.send(hex(bytes));
  await client.ended();
});

it.for([
  ["PUBACK", 0x41],
  ["PUBREC", 0x52],
  ["PUBCOMP", 0x78],
  ["PINGREQ", 0xc1],
] as const)(
  "[MQTT311-2.2.2-1] [MQTT311-2.2.2-2] %s with the first byte %i closes the connection",
  async ([, first], { broker }) => {
    const client = await broker.connect(4);
    client.send(packet(first, ...(first === 0xc1 ? [] : [u16(1)])));
    await client.ended();
  },
);

it.for([0xe1, 0xe2, 0xe8])(
  "[MQTT311-3.14.1-1] DISCONNECT with the first byte %i counts as a failure",
  async (first, { broker }) => {
    const topic = broker.topic();
    const watcher = await broker.connect(4);
    await watcher.subscribe([{ filter: topic }]);
    const client = await broker.connect(4, { will: { topic, payload: "not a farewell" } });
    client.send(packet(first));
    await client.ended();
    expect(String((await watcher.message()).payload)).toBe("not a farewell");
  },
);

it("[MQTT311-3.14.4-1] the server closes behind a client's DISCONNECT", async ({ broker }) => {
  const client = await broker.connect(4);
  await client.leave();
});

it("[MQTT311-3.14.4-2] what comes behind DISCONNECT is not processed", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(4);
  client.send(packet(0xe0), publish(4, { topic, payload: "unheard" }));
  await client.closed();
  await watcher.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT311-3.12.4-1] PINGREQ is answered with PINGRESP", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(packet(0xc0));
  expect((await client.nextRaw("pingresp")).raw.toString("hex")).toBe("d000");
});

it("[MQTT311-4.8.0-1] PUBACK of one byte closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(packet(0x40, u8(1)));
  await client.ended();
});
