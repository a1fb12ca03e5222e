// A device that sends so much that nobody else of its thread has a turn is ended, and the others go on.

import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { Device, served } from "./device.ts";

const PINGREQ = [0xc0, 0];

it("more packets without a turn for others than the bound are 0x96", async () => {
  const deployment = await served();
  const [device, healthy] = [await Device.connect(deployment, "c"), await Device.connect(deployment, "healthy")];
  device.bytes(new Uint8Array(PINGREQ.length * (limits.packetsWithoutTurn + 1)).map((_, i) => PINGREQ[i % 2] ?? 0));
  expect((await device.take("disconnect")).reasonCode).toBe(reasonCodes.messageRateTooHigh);
  await device.closed;
  await healthy.ping();
});

it("as many packets with turns in between are taken", async () => {
  const device = await Device.connect(await served(), "c");
  const some = new Uint8Array(PINGREQ.length * Math.ceil(limits.packetsWithoutTurn / 4)).map(
    (_, i) => PINGREQ[i % 2] ?? 0,
  );
  for (let i = 0; i < 6; i++) {
    device.bytes(some);
    await device.take("pingresp");
    while (device.untaken.length > 0) device.untaken.pop();
    await device.ping();
  }
});
