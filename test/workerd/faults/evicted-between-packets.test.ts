// Devices at the real endpoint of a deployment whose shards lose their memory between every two packets: what they see is
// what they would see of shards that never do.

import { expect, it } from "vitest";
import type { WholeDeployment } from "../deployment/deployment-client.ts";
import { Device, served } from "../edge/device.ts";
import { text } from "../shards/link-client.ts";

const persistent = { clean: false, properties: { sessionExpiryInterval: 3_600 } };

/** Runs the steps, each with a deployment that remembers what it stored and nothing else. */
async function evictedBetween(deployment: WholeDeployment, ...steps: (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) {
    await step();
    await deployment.evict();
  }
}

for (const shards of [1, 4]) {
  const kinds = `${shards} shard(s) of each kind`;

  it(`[MQTT-4.3.2-4] ${kinds}: QoS 1 from SUBSCRIBE to PUBACK`, async () => {
    const deployment = await served(shards);
    const subscriber = await Device.connect(deployment, "s");
    const publisher = await Device.connect(deployment, "p");
    await evictedBetween(
      deployment,
      async () => expect(await subscriber.subscribe("a/1/#", "+/2/x")).toEqual([1, 1]),
      async () => expect(await publisher.publish("a/1/x", "one")).toBe(0),
      async () => expect(text(await subscriber.message())).toBe("one"),
      async () => expect(await publisher.publish("b/2/x", "two")).toBe(0),
      async () => expect(text(await subscriber.message())).toBe("two"),
      async () => {
        subscriber.send({ cmd: "unsubscribe", messageId: 11, unsubscriptions: ["a/1/#"] });
        await subscriber.take("unsuback");
      },
      async () => expect(await publisher.publish("a/1/x", "nobody's")).toBe(0x10),
      async () => expect(await publisher.publish("c/2/x", "three")).toBe(0),
      async () => expect(text(await subscriber.message())).toBe("three"),
    );
    expect(subscriber.untaken).toEqual([]);
  });

  it(`[MQTT-4.3.3-1] ${kinds}: QoS 2 in every state of both handshakes`, async () => {
    const deployment = await served(shards);
    const subscriber = await Device.connect(deployment, "s");
    const publisher = await Device.connect(deployment, "p");
    const publish = { cmd: "publish", topic: "a/1/x", payload: "once", qos: 2, retain: false, messageId: 5 } as const;
    let messageId = 0;
    await evictedBetween(
      deployment,
      async () => expect(await subscriber.subscribe({ topic: "a/1/#", qos: 2 })).toEqual([2]),
      async () => {
        publisher.send({ ...publish, dup: false });
        await publisher.take("pubrec");
      },
      async () => {
        publisher.send({ ...publish, dup: true });
        await publisher.take("pubrec");
      },
      async () => {
        const got = await subscriber.take("publish");
        expect([got.qos, text(got)]).toEqual([2, "once"]);
        messageId = got.messageId ?? 0;
      },
      async () => {
        publisher.send({ cmd: "pubrel", messageId: 5 });
        await publisher.take("pubcomp");
      },
      async () => {
        subscriber.send({ cmd: "pubrec", messageId });
        await subscriber.take("pubrel");
      },
      async () => {
        subscriber.send({ cmd: "pubcomp", messageId });
        await subscriber.ping();
      },
    );
    expect(await publisher.publish("a/1/x", "last")).toBe(0);
    expect(text(await subscriber.message())).toBe("last");
    expect(subscriber.untaken).toEqual([]);
  });

  it(`[MQTT-3.1.2-5] ${kinds}: a session, its queue and a retained message`, async () => {
    const deployment = await served(shards);
    const first = await Device.connect(deployment, "s", persistent);
    const publisher = await Device.connect(deployment, "p");
    let again = first;
    await evictedBetween(
      deployment,
      async () => expect(await first.subscribe("a/1/#")).toEqual([1]),
      async () => {
        first.send({ cmd: "disconnect", reasonCode: 0 });
        await first.closed;
      },
      async () => expect(await publisher.publish("a/1/x", "queued")).toBe(0),
      async () => expect(await publisher.publish("b/2/x", "kept", { retain: true })).toBe(0x10),
      async () => {
        again = await Device.attempt(deployment, "s", persistent);
        expect((await again.take("connack")).sessionPresent).toBe(true);
      },
      async () => expect(text(await again.message())).toBe("queued"),
      async () => expect(await again.subscribe("b/+/x")).toEqual([1]),
      async () => expect(text(await again.message())).toBe("kept"),
    );
    expect(again.untaken).toEqual([]);
  });
}
