// The sender's end of a stream's socket: who is told when it cannot be had.

import { expect, it } from "vitest";
import { EnvelopeWriter } from "../../../src/contracts/envelope-writer.ts";
import { StreamChannel } from "../../../src/platform/stream-channel.ts";

const CALL_TIMEOUT_MS = 15_000;

function batch(sequence: number): Uint8Array {
  const header = { sender: 0, incarnation: 1, sequence, base: 1, receiver: 0, answered: 0, writeAtOnce: false };
  return new EnvelopeWriter().seal(header);
}

it("tells of every batch that it failed, though one who is told throws", async () => {
  const channel = new StreamChannel(() => Promise.reject(new Error("unreachable")), CALL_TIMEOUT_MS);
  const failed: number[] = [];
  const last = new Promise<void>((resolve) => {
    channel.deliver(batch(1), () => {
      failed.push(1);
      throw new Error("a bug");
    });
    channel.deliver(batch(2), (reply) => {
      expect(reply).toBeNull();
      failed.push(2);
      resolve();
    });
  });
  await last;
  expect(failed).toEqual([1, 2]);
});
