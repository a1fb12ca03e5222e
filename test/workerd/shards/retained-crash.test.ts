// Retained messages of a subscription over crashes: what SUBACK promised comes, whichever object dies.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { TestDeployment, text } from "./link-client.ts";

/** So that nothing is written before the crash comes. */
const settings = { ...defaultBrokerSettings, ackDeadlineMs: 1_000 };

/** The object dies at once, with whatever is in its memory. */
async function crash(object: unknown): Promise<void> {
  await runInDurableObject(object as never, (_: unknown, state: DurableObjectState) => state.abort("crash")).catch(
    () => undefined,
  );
}

describe("a crash behind SUBACK", () => {
  for (const both of [false, true]) {
    it(`of the session shard${both ? " and the topic shard" : ""} loses no retained message`, async () => {
      const deployment = await TestDeployment.create(both ? "crash2x" : "crash1x", 1, { settings });
      const publisher = await deployment.connect("p");
      expect(await publisher.publish("kept", "value", { retain: true })).toBe(0x10);
      const client = await deployment.connect("s");
      expect(await client.subscribe("kept")).toEqual([1]);
      if (both) await crash(deployment.topicShard(0));
      await crash(deployment.sessionShard(0));
      const again = await deployment.connect("s");
      expect(again.sessionPresent).toBe(true);
      expect(text(await again.message())).toBe("value");
    });
  }

  it("of the topic shard between a request for a page and the page goes on with the page", async () => {
    const deployment = await TestDeployment.create("crash3x", 1);
    const publisher = await deployment.connect("p");
    for (let i = 0; i < 300; i++) {
      publisher.send({
        cmd: "publish",
        topic: `many/${i}`,
        payload: "x",
        qos: 1,
        retain: true,
        dup: false,
        messageId: i + 1,
      });
    }
    for (let i = 0; i < 300; i++) await publisher.take("puback");
    const client = await deployment.connect("s", { receiveMaximum: 20 });
    await client.subscribe("many/#");
    const topics = new Set<string>();
    for (let round = 0; topics.size < 300; round++) {
      for (let i = 0; i < 20 && topics.size < 300; i++) {
        const message = await Promise.race([client.message(), scheduler.wait(8_000)]);
        if (message === undefined) throw new Error(`nothing comes behind ${topics.size} of 300, round ${round}`);
        topics.add(message.topic);
      }
      // The acknowledgements have made room: a page is asked for while the topic shard dies.
      if (round < 12) await crash(deployment.topicShard(0));
    }
    expect(topics.size).toBe(300);
  }, 30_000);
});
