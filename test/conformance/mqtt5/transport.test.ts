// WebSocket as the network, section 6, and what section 4.2 asks of any.

import { expect } from "vitest";
import { WebSocket } from "ws";
import { it } from "../harness/it.ts";
import { pingreq, publish } from "../harness/packets.ts";

it("[MQTT-6.0.0-1] a text frame closes the connection", async ({ broker }) => {
  const client = await broker.connect(5);
  client.socket.send("text");
  await client.pick("disconnect").catch(() => null);
  await client.closed();
});

it("[MQTT-6.0.0-1] a text frame before CONNECT closes the connection", async ({ broker }) => {
  const client = await broker.open(5);
  client.socket.send("text");
  await client.closed();
});

it("[MQTT-6.0.0-1] the server sends binary frames alone", async ({ broker }) => {
  const client = await broker.connect(5);
  const kinds: boolean[] = [];
  client.socket.on("message", (_, isBinary: boolean) => kinds.push(isBinary));
  await client.subscribe([{ filter: broker.topic() }]);
  await client.ping();
  expect(kinds.length).toBeGreaterThan(0);
  expect(kinds.every(Boolean)).toBe(true);
});

it("[MQTT-6.0.0-2] a packet may be cut at any byte", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.open(5);
  for (const byte of broker.connectPacket(5)) client.send(Uint8Array.of(byte));
  expect((await client.next("connack")).reasonCode).toBe(0);
  await client.subscribe([{ filter: topic }]);
  for (const byte of publish(5, { topic, payload: "in pieces" })) client.send(Uint8Array.of(byte));
  expect(String((await client.message()).payload)).toBe("in pieces");
});

it("[MQTT-6.0.0-2] a frame may hold several packets and a part of one", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }]);
  const last = publish(5, { topic, payload: "c" });
  client.send(publish(5, { topic, payload: "a" }), publish(5, { topic, payload: "b" }), last.subarray(0, 5));
  client.send(last.subarray(5), pingreq());
  await client.pick("pingresp");
  for (const payload of ["a", "b", "c"]) expect(String((await client.message()).payload)).toBe(payload);
});

it.for([[], ["chat"]])("[MQTT-6.0.0-3] an upgrade that offers %j is not MQTT", async (protocols, { broker }) => {
  const socket = new WebSocket(broker.access.url, protocols);
  const outcome = await new Promise<string>((resolve) => {
    socket.once("open", () => resolve(`open with ${socket.protocol}`));
    socket.once("error", () => resolve("refused"));
  });
  socket.terminate();
  expect(outcome).toBe("refused");
});

it("[MQTT-6.0.0-4] the subprotocol is mqtt", async ({ broker }) => {
  const client = await broker.open(5);
  expect(client.socket.protocol).toBe("mqtt");
});

it("[MQTT-4.2-1] what is sent comes complete and in order", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const sent = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(2_000));
  for (const payload of sent) await client.publishSafely({ topic, payload });
  for (const payload of sent) expect(String((await client.message()).payload)).toBe(payload);
});
