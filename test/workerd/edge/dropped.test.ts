// QoS 0 that the edge drops is counted by the shard, and what the edge tells it beside packets cannot harm it.

import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { valueOf } from "../deployment/deployment-client.ts";
import { baseAttach, LinkClient } from "../shards/link-client.ts";
import { Device, served } from "./device.ts";

const PAYLOAD_BYTES = 64 * 1_024;
const MESSAGES = 64;

it.each([
  [5, "stays"],
  [4, "leaves"],
] as const)("what a device sends is received or counted as dropped, version %i, which %s", async (version, then) => {
  const deployment = await served();
  const device = await Device.connect(deployment, "c", { version });
  flood(device);
  if (then === "leaves") device.send({ cmd: "disconnect" });
  const counts = async () => {
    const { messagesReceived, messagesDropped } = valueOf(await deployment.sessionShardOf("c").stats());
    return { messagesReceived, messagesDropped };
  };
  // The first that finds more waiting than the bound is dropped, and all behind it in its frame.
  const messagesReceived = Math.ceil(limits.inboundPendingBytes / PAYLOAD_BYTES);
  const expected = { messagesReceived, messagesDropped: MESSAGES - messagesReceived };
  await expect.poll(counts, { timeout: 5_000 }).toEqual(expected);
  const { droppedByReason } = valueOf(await deployment.sessionShardOf("c").stats());
  expect(droppedByReason).toEqual({ inbound_full: expected.messagesDropped });
});

it("a text frame that cannot be read is passed over, and the link goes on", async () => {
  const deployment = await served();
  const { webSocket } = await LinkClient.request(deployment, { ...baseAttach, clientId: "c" });
  if (webSocket === null) throw new Error("refused");
  webSocket.accept();
  const frames = ["", "{", "null", "[1]", '{"v":1,"type":"of a later release"}', `"${"x".repeat(100_000)}"`];
  for (const messages of [-1, 1.5, 1e300, "1", null]) frames.push(JSON.stringify({ v: 1, type: "dropped", messages }));
  for (const frame of frames) webSocket.send(frame);
  webSocket.send('{"v":1,"type":"dropped","messages":5}');
  const shard = deployment.sessionShardOf("c");
  await expect.poll(async () => valueOf(await shard.stats()).messagesDropped).toBe(5);
  expect(valueOf(await shard.stats()).connections).toBe(1);
});

/** More than may wait at the edge, in one frame, so that no credit comes between. */
function flood(device: Device): void {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  const message = { cmd: "publish", topic: "t", payload, qos: 0, retain: false, dup: false } as const;
  device.send(...Array.from({ length: MESSAGES }, () => message));
}
