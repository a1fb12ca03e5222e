// QoS 2 at the shards: each message once, whatever is repeated, evicted or lost between two packets.

import { describe, expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { LinkClient } from "./link-client.ts";
import { TestDeployment, text } from "./link-client.ts";

type Eviction = "none" | "hibernate";
let deployments = 0;

/** Payloads of the messages that came before the marker, which is sent now. */
async function until(marker: string, subscriber: LinkClient, publisher: LinkClient): Promise<string[]> {
  await publisher.publish("marker", marker);
  const payloads: string[] = [];
  for (;;) {
    const payload = text(await subscriber.message());
    if (payload === marker) return payloads;
    payloads.push(payload);
  }
}

for (const shards of [1, 4]) {
  for (const eviction of ["none", "hibernate"] as Eviction[]) {
    describe(`${shards} shard(s), evictions: ${eviction}`, () => {
      const create = () => TestDeployment.create(`q${++deployments}x`, shards);
      const pause = async (deployment: TestDeployment) => {
        if (eviction === "hibernate") await deployment.evict();
      };

      for (const sessionExpiryInterval of [0, 3_600]) {
        it(`[MQTT-4.3.3-1] [MQTT-4.3.3-8] hands a message over once (session expiry ${sessionExpiryInterval})`, async () => {
          const deployment = await create();
          const subscriber = await deployment.connect("s", { sessionExpiryInterval });
          expect(await subscriber.subscribe("once", { qos: 2 })).toEqual([2]);
          const publisher = await deployment.connect("p", { sessionExpiryInterval });
          expect(await publisher.publishOnce("once", "x", { messageId: 7 })).toBe(0);
          const message = await subscriber.take("publish");
          expect([message.qos, message.dup, text(message)]).toEqual([2, false, "x"]);
          await pause(deployment);
          expect(await publisher.publishOnce("once", "x", { messageId: 7, dup: true })).toBe(0); // [MQTT-4.3.3-10]
          await pause(deployment);
          expect(await publisher.release(7)).toBe(0);
          const messageId = message.messageId ?? 0;
          subscriber.send({ cmd: "pubrec", messageId });
          expect((await subscriber.take("pubrel")).messageId).toBe(messageId); // [MQTT-4.3.3-4]
          await pause(deployment);
          subscriber.send({ cmd: "pubcomp", messageId });
          await subscriber.subscribe("marker");
          expect(await until("end", subscriber, publisher)).toEqual([]);
          expect((await deployment.clientInfo("s")).inflight).toBe(0);
          expect(await publisher.publishOnce("once", "another", { messageId: 7 })).toBe(0); // [MQTT-4.3.3-12]
          expect(text(await subscriber.messageOnce())).toBe("another");
        });
      }

      it("[MQTT-4.4.0-1] goes on where a connection was cut, on both sides", async () => {
        const deployment = await create();
        let subscriber = await deployment.connect("s");
        await subscriber.subscribe("once", { qos: 2 });
        let publisher = await deployment.connect("p");
        await publisher.publishOnce("once", "x", { messageId: 3 });
        const first = await subscriber.take("publish");
        publisher.close();
        subscriber.close();
        await Promise.all([publisher.closed, subscriber.closed]);
        await pause(deployment);
        publisher = await deployment.connect("p");
        expect([publisher.sessionPresent, publisher.awaitingRelease]).toEqual([true, [3]]);
        expect(await publisher.publishOnce("once", "x", { messageId: 3, dup: true })).toBe(0);
        subscriber = await deployment.connect("s");
        const again = await subscriber.take("publish");
        expect([again.messageId, again.dup, text(again)]).toEqual([first.messageId, true, "x"]); // [MQTT-3.3.1-1]
        subscriber.send({ cmd: "pubrec", messageId: first.messageId ?? 0 });
        await subscriber.take("pubrel");
        subscriber.close();
        await subscriber.closed;
        await pause(deployment);
        subscriber = await deployment.connect("s");
        expect((await subscriber.take("pubrel")).messageId).toBe(first.messageId);
        subscriber.send({ cmd: "pubcomp", messageId: first.messageId ?? 0 });
        expect(await publisher.release(3)).toBe(0);
        await subscriber.subscribe("marker");
        expect(await until("end", subscriber, publisher)).toEqual([]);
      });

      it("lets a client have no more than its Receive Maximum under way until PUBCOMP", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s", { receiveMaximum: 2 });
        await subscriber.subscribe("many", { qos: 2 });
        const publisher = await deployment.connect("p");
        for (let id = 1; id <= 5; id++) await publisher.publishOnce("many", `${id}`, { messageId: id });
        const [one, two] = [await subscriber.take("publish"), await subscriber.take("publish")];
        subscriber.send({ cmd: "pubrec", messageId: one.messageId ?? 0 });
        await subscriber.take("pubrel");
        await pause(deployment);
        expect((await deployment.clientInfo("s")).inflight).toBe(2); // [MQTT-3.3.4-9]
        expect(subscriber.log.filter(({ cmd }) => cmd === "publish")).toHaveLength(2);
        subscriber.send({ cmd: "pubcomp", messageId: one.messageId ?? 0 });
        expect(text(await subscriber.take("publish"))).toBe("3");
        subscriber.send({ cmd: "pubrec", messageId: two.messageId ?? 0, reasonCode: 0x80 });
        expect(text(await subscriber.take("publish"))).toBe("4"); // [MQTT-4.3.3-3] [MQTT-4.4.0-2]
      });
    });
  }
}

describe("packet ids", () => {
  it("[MQTT-2.2.1-4] answers 0x92 to a release, and to a PUBREC, of what is not there", async () => {
    const deployment = await TestDeployment.create(`q${++deployments}x`, 1);
    const client = await deployment.connect("c");
    expect(await client.release(9)).toBe(0x92);
    client.send({ cmd: "pubrec", messageId: 9 });
    expect((await client.take("pubrel")).reasonCode).toBe(0x92);
  });

  it("answers 0x91 to a publish under the id of one that is not released", async () => {
    const deployment = await TestDeployment.create(`q${++deployments}x`, 1);
    const client = await deployment.connect("c");
    expect(await client.publishOnce("a", "x", { messageId: 4 })).toBe(0);
    expect(await client.publish("a", "y", { messageId: 4 })).toBe(0x91);
  });

  it("ends with 0x93 who leaves more unreleased than the deployment allows", async () => {
    const settings = { ...defaultBrokerSettings, awaitingReleaseMax: 2 };
    const deployment = await TestDeployment.create(`q${++deployments}x`, 1, { settings });
    const client = await deployment.connect("c");
    for (const messageId of [1, 2]) expect(await client.publishOnce("a", "x", { messageId })).toBe(0);
    client.send({ cmd: "publish", topic: "a", payload: "", qos: 2, retain: false, dup: false, messageId: 3 });
    expect((await client.take("disconnect")).reasonCode).toBe(0x93);
  });
});

it("takes none beyond the rate of the plan, and does not remember it", async () => {
  const deployment = await TestDeployment.create(`q${++deployments}x`, 1, {
    limits: {
      sessionsMax: null,
      messagesPerSecond: 1,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_024,
      retainedMessagesMax: null,
    },
  });
  const client = await deployment.connect("c");
  expect(await client.publishOnce("a", "x", { messageId: 1 })).toBe(0);
  expect(await client.publishOnce("a", "y", { messageId: 2 })).toBe(0x97);
  expect(await client.release(2)).toBe(0x92);
});

it("delivers what it took, though there is no room to retain it", async () => {
  const deployment = await TestDeployment.create(`q${++deployments}x`, 1, {
    limits: {
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_024,
      retainedMessagesMax: 1,
    },
  });
  const client = await deployment.connect("c");
  await client.subscribe("#", { qos: 2 });
  expect(await client.publishOnce("a", "x", { messageId: 1, retain: true })).toBe(0);
  expect(await client.publishOnce("b", "y", { messageId: 2, retain: true })).toBe(0);
  expect([text(await client.messageOnce()), text(await client.messageOnce())]).toEqual(["x", "y"]);
  expect([await client.release(1), await client.release(2)]).toEqual([0, 0]);
  const late = await deployment.connect("late");
  await late.subscribe("#");
  expect(text(await late.message())).toBe("x");
  expect(await until("end", late, client)).toEqual([]);
});

it("remembers what came right before its connection was ended", async () => {
  const deployment = await TestDeployment.create(`q${++deployments}x`, 1);
  const publisher = await deployment.connect("p");
  const publish = {
    cmd: "publish",
    topic: "a",
    payload: "x",
    qos: 2,
    retain: false,
    dup: false,
    messageId: 1,
  } as const;
  // The edge sends no PINGREQ: the shard ends the client behind what came before it.
  publisher.send(publish, { cmd: "pingreq" });
  expect((await publisher.take("disconnect")).reasonCode).toBe(0x80);
  await deployment.evict("close");
  expect((await deployment.connect("p")).awaitingRelease).toEqual([1]);
});
