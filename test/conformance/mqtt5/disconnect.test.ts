// DISCONNECT, section 3.14.

import { expect } from "vitest";
import { hex, packet, property, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { disconnect, publish } from "../harness/packets.ts";

it("[MQTT-3.14.0-1] a refused connection gets no DISCONNECT", async ({ broker }) => {
  const client = await broker.connecting(5, { password: "wrong" });
  await client.refused(0x86, 0x87);
});

it.for([0xe1, 0xe2, 0xe4, 0xe8])(
  "[MQTT-3.14.1-1] DISCONNECT with the first byte %i is 0x81",
  async (first, { broker }) => {
    const client = await broker.connect(5);
    client.send(packet(first, u8(0)));
    await client.ended(0x81);
  },
);

it("[MQTT-3.14.2-1] a protocol error is told with a reason code of DISCONNECT", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0xf0, u8(0x18)));
  await client.ended(0x82);
});

it("[MQTT-3.14.2-1] a reason code that DISCONNECT does not have is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(disconnect(0x01));
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.14.2-2] the server's DISCONNECT has no Session Expiry Interval", async ({ broker }) => {
  const clientId = broker.clientId();
  const options = { clientId, properties: [property.sessionExpiryInterval(60)] };
  const first = await broker.connect(5, options);
  await broker.connect(5, options);
  const { properties } = await first.next("disconnect");
  expect(properties?.sessionExpiryInterval).toBeUndefined();
  await first.closed();
});

it("[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT does not exceed Maximum Packet Size", async ({ broker }) => {
  // As small as lets CONNACK through.
  const probe = await broker.connecting(5);
  const { raw: connack } = await probe.nextRaw("connack");
  const maximum = connack.length;
  const client = await broker.connect(5, { properties: [property.maximumPacketSize(maximum)] });
  client.send(broker.connectPacket(5));
  const { raw } = await client.nextRaw("disconnect");
  expect(raw.length).toBeLessThanOrEqual(maximum);
  await client.closed();
});

it("[MQTT-3.14.4-1] [MQTT-3.14.4-2] nothing follows the server's DISCONNECT but the close", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic }]);
  client.send(hex("c100"), publish(5, { topic }));
  await client.ended(0x81);
});

it("[MQTT-3.14.4-2] the server closes behind a client's DISCONNECT", async ({ broker }) => {
  const client = await broker.connect(5);
  await client.leave();
});

it("[MQTT-4.13.1-1] Session Expiry Interval at DISCONNECT, where CONNECT had 0, is a protocol error", async ({
  broker,
}) => {
  const client = await broker.connect(5);
  client.send(disconnect(0, [property.sessionExpiryInterval(10)]));
  await client.ended(0x82);
});

it("[MQTT-3.1.2-23] Session Expiry Interval at DISCONNECT replaces that of CONNECT", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId, properties: [property.sessionExpiryInterval(60)] });
  await first.leave(0, [property.sessionExpiryInterval(0)]);
  expect((await broker.connectWith(5, { clientId, clean: false })).connack.sessionPresent).toBe(false);
});

it("[MQTT-4.13.1-1] Session Expiry Interval twice at DISCONNECT is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5, { properties: [property.sessionExpiryInterval(60)] });
  client.send(disconnect(0, [property.sessionExpiryInterval(10), property.sessionExpiryInterval(10)]));
  await client.ended(0x81, 0x82);
});
