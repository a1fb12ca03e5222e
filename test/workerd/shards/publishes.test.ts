// What a session shard holds for a topic shard that takes its batches and tells no outcome.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { Publishes } from "../../../src/durable-objects/session-shard/publishes.ts";
import { placementOf } from "../../../src/contracts/deployment-config.ts";
import { StreamChannel } from "../../../src/platform/stream-channel.ts";
import { config, TestDeployment } from "./link-client.ts";

it("refuses small publishes by what they cost in memory, until some have their outcome", async () => {
  const deployment = await TestDeployment.create("awaited1x", 1);
  const placement = placementOf(config(1));
  await runInDurableObject(deployment.sessionShard(0) as never, () => {
    const publishes = new Publishes({
      index: 0,
      incarnation: () => 1,
      placement: () => placement,
      channel: () => new StreamChannel(async () => new Response(null, { status: 503 }), 60_000),
      backOffMs: () => 60_000,
      firstNumber: () => 1,
      routes: () => ({ awaits: () => false, received: () => undefined, *unanswered() {} }),
      retained: () => ({ awaits: () => false, askAgain: () => undefined }),
      dropped: () => undefined,
      onReplaced: () => expect.unreachable(),
    });
    const packet = new Uint8Array(12);
    let outcomes = 0;
    const awaiter = { routed: () => (outcomes += 1) };
    /** Returns how many were taken. */
    const publishAll = (): number => {
      for (let taken = 0; ; taken++) if (!publishes.publish("t", packet, 1, 0, awaiter)) return taken;
    };
    const taken = publishAll();
    expect(publishes.awaited).toBe(taken);
    expect(taken * limits.waitingOverheadBytes).toBeLessThan(limits.awaitedBytes);
    publishes.routed(0, 1, 1_000, 0);
    expect(outcomes).toBe(1_000);
    expect(publishAll()).toBe(1_000);
  });
});
