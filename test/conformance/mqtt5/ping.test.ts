// PINGREQ and PINGRESP, sections 3.12 and 3.13.

import { expect } from "vitest";
import { packet, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { pingreq } from "../harness/packets.ts";

it("[MQTT-3.12.4-1] PINGREQ is answered with PINGRESP", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(pingreq());
  expect((await client.nextRaw("pingresp")).raw.toString("hex")).toBe("d000");
});

it("[MQTT-2.1.3-1] PINGREQ with flags is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0xc1));
  await client.ended(0x81);
});

it("[MQTT-4.13.1-1] PINGREQ with a body is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0xc0, u8(0)));
  await client.ended(0x81);
});
