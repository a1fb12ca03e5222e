// Messages through real shards, with one and with four of each kind, and with evictions between the steps.

import { describe, expect, it } from "vitest";
import { linkClose } from "../../../src/contracts/link.ts";
import { LinkClient, TestDeployment, baseAttach, text } from "./link-client.ts";

type Eviction = "none" | "hibernate" | "close";
let deployments = 0;

for (const shards of [1, 4]) {
  for (const eviction of ["none", "hibernate"] as Eviction[]) {
    describe(`${shards} shard(s), evictions: ${eviction}`, () => {
      const create = () => TestDeployment.create(`t${++deployments}x`, shards);
      /** Evicts every shard, where the case asks for it. */
      const pause = async (deployment: TestDeployment, webSockets: "hibernate" | "close" = "hibernate") => {
        if (eviction === "none") return;
        await deployment.evict(webSockets);
      };

      it("[MQTT-3.8.4-1] delivers to every matching subscriber after SUBACK", async () => {
        const deployment = await create();
        const clients = await Promise.all(["a", "b", "c", "d", "e"].map((id) => deployment.connect(id)));
        for (const [i, client] of clients.entries()) {
          expect(await client.subscribe(["s/1/x", "s/+/x", "#", "s/1/#", "other/1"][i] ?? "")).toEqual([1]);
          await pause(deployment);
        }
        const publisher = await deployment.connect("p");
        await pause(deployment);
        const acknowledged = publisher.publish("s/1/x", "hello");
        for (const client of clients.slice(0, 4)) expect(text(await client.message())).toBe("hello");
        expect(await acknowledged).toBe(0);
        expect(await publisher.publish("other/2", "x")).toBe(0);
        await clients[2]?.message();
        expect(clients[4]?.log.filter(({ cmd }) => cmd === "publish")).toEqual([]);
      });

      it("[MQTT-3.4.2-1] answers 0x10 when nobody subscribes", async () => {
        const deployment = await create();
        const publisher = await deployment.connect("p");
        expect(await publisher.publish("nobody/here", "x")).toBe(0x10);
      });

      it("keeps the order of one publisher and topic", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("order/#", { qos: 1 });
        const publisher = await deployment.connect("p");
        for (let i = 1; i <= 100; i++) {
          publisher.send({
            cmd: "publish",
            topic: "order/x",
            payload: `${i}`,
            qos: 1,
            retain: false,
            dup: false,
            messageId: i,
          });
        }
        for (let i = 1; i <= 100; i++) expect(text(await subscriber.message())).toBe(`${i}`);
        for (let i = 1; i <= 100; i++) expect((await publisher.take("puback")).messageId).toBe(i);
      });

      it("[MQTT-3.3.1-5] gives retained messages to new subscribers, the latest alone", async () => {
        const deployment = await create();
        const publisher = await deployment.connect("p");
        await publisher.publish("r/1/a", "old", { retain: true });
        await pause(deployment);
        await publisher.publish("r/1/a", "new", { retain: true });
        await publisher.publish("r/2/b", "other", { retain: true });
        await publisher.publish("r/3/c", "gone", { retain: true });
        await publisher.publish("r/3/c", "", { retain: true });
        await pause(deployment);
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("r/#");
        const got = [await subscriber.message(), await subscriber.message()];
        expect(got.map((message) => [message.topic, text(message), message.retain]).sort()).toEqual([
          ["r/1/a", "new", true],
          ["r/2/b", "other", true],
        ]);
        await pause(deployment);
        await publisher.publish("r/2/b", "live", { retain: true });
        const live = await subscriber.message();
        expect([text(live), live.retain]).toEqual(["live", false]); // [MQTT-3.3.1-12]
      });

      it("[MQTT-3.3.1-10] [MQTT-3.3.1-11] heeds Retain Handling", async () => {
        const deployment = await create();
        const publisher = await deployment.connect("p");
        await publisher.publish("rh/x", "kept", { retain: true });
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("rh/x", { rh: 2 });
        await subscriber.subscribe("rh/x", { rh: 1 });
        await publisher.publish("rh/x", "live");
        expect(text(await subscriber.message())).toBe("live");
        await subscriber.subscribe("rh/x", { rh: 0 });
        expect(text(await subscriber.message())).toBe("kept");
      });

      it("[MQTT-4.4.0-1] keeps messages for a client that is away and sends them in order", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("q/x");
        await pause(deployment);
        subscriber.close();
        await subscriber.closed;
        const publisher = await deployment.connect("p");
        for (const payload of ["1", "2", "3"]) {
          expect(await publisher.publish("q/x", payload)).toBe(0);
          await pause(deployment);
        }
        const back = await deployment.connect("s");
        expect(back.sessionPresent).toBe(true);
        for (const payload of ["1", "2", "3"]) {
          const message = await back.message();
          expect([text(message), message.dup]).toEqual([payload, false]);
        }
      });

      it("[MQTT-3.3.1-1] sends what was not acknowledged again, with DUP and its packet id", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("d/x");
        const publisher = await deployment.connect("p");
        expect(await publisher.publish("d/x", "1")).toBe(0);
        const first = await subscriber.message(false);
        await pause(deployment);
        subscriber.close(linkClose.keepAlive);
        await subscriber.closed;
        const back = await deployment.connect("s");
        const again = await back.message(false);
        expect([text(again), again.dup, again.messageId]).toEqual(["1", true, first.messageId]);
        await pause(deployment);
        back.send({ cmd: "puback", messageId: again.messageId ?? 0 });
        await publisher.publish("d/x", "2");
        expect(text(await back.message())).toBe("2");
        back.close();
        await back.closed;
        const third = await deployment.connect("s");
        await publisher.publish("d/x", "3");
        expect(text(await third.message())).toBe("3");
      });

      it("[MQTT-3.3.1-1] sends again with DUP what a shard had sent before it died, whoever asks for it first", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("died/x");
        const publisher = await deployment.connect("p");
        expect(await publisher.publish("died/x", "1")).toBe(0);
        await subscriber.message(false);
        await deployment.evict("close");
        await subscriber.closed;
        expect(await deployment.clientInfo("s")).toMatchObject({ connected: false, queueLength: 0 });
        const back = await deployment.connect("s");
        const again = await back.message();
        expect([text(again), again.dup]).toEqual(["1", true]);
      });

      it("[MQTT-3.1.2-4] forgets the session at a clean start", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("c/x");
        subscriber.close();
        await subscriber.closed;
        const publisher = await deployment.connect("p");
        await publisher.publish("c/x", "missed");
        await pause(deployment);
        const back = await deployment.connect("s", { cleanStart: true });
        expect(back.sessionPresent).toBe(false);
        await publisher.publish("c/x", "nobody");
        await back.subscribe("c/y");
        await publisher.publish("c/y", "seen");
        expect(text(await back.message())).toBe("seen");
      });

      it("[MQTT-3.1.4-3] takes over a client with the same id", async () => {
        const deployment = await create();
        const old = await deployment.connect("s");
        await old.subscribe("t/x");
        await pause(deployment);
        const next = await deployment.connect("s");
        expect((await old.take("disconnect")).reasonCode).toBe(0x8e);
        expect(await old.closed).toBe(linkClose.ended);
        expect(next.sessionPresent).toBe(true);
        const publisher = await deployment.connect("p");
        await publisher.publish("t/x", "for the next");
        expect(text(await next.message())).toBe("for the next");
      });

      it("[MQTT-3.10.4-2] stops after UNSUBACK", async () => {
        const deployment = await create();
        const subscriber = await deployment.connect("s");
        await subscriber.subscribe("u/x");
        await subscriber.subscribe("u/y");
        subscriber.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["u/x", "u/none"] });
        expect((await subscriber.take("unsuback")).granted).toEqual([0, 0x11]);
        await pause(deployment);
        const publisher = await deployment.connect("p");
        await publisher.publish("u/x", "not this");
        await publisher.publish("u/y", "this");
        expect(text(await subscriber.message())).toBe("this");
      });
    });
  }
}

it("keeps a message for who has not acknowledged it, though it was too large for others before", async () => {
  const deployment = await TestDeployment.create("too-large", 1);
  for (const id of ["1", "2", "3", "4", "5", "6"]) {
    await (await deployment.connect(`small-${id}`, { maximumPacketSize: 12 })).subscribe("x/y");
  }
  const slow = await deployment.connect("slow");
  await slow.subscribe("x/y");
  const publisher = await deployment.connect("p");
  expect(await publisher.publish("x/y", "larger than twelve bytes")).toBe(0);
  await slow.message(false);
  await deployment.evict();
  slow.close();
  await slow.closed;
  const back = await deployment.connect("slow");
  expect(text(await back.message())).toBe("larger than twelve bytes");
});

it("refuses everything and writes nothing when it was never provisioned", async () => {
  const ghost = new TestDeployment("ghost", 1);
  expect((await LinkClient.request(ghost, { ...baseAttach, clientId: "x" })).status).toBe(404);
  expect(await ghost.sessionShard(0).stats()).toEqual({ ok: false, error: "not_provisioned" });
});

it("never mixes two deployments with the same clients, topics and retained messages", async () => {
  const [one, two] = [await TestDeployment.create("one", 1), await TestDeployment.create("two", 1)];
  const [first, second] = [await one.connect("c"), await two.connect("c")];
  await first.publish("same/topic", "of one", { retain: true });
  await second.subscribe("#");
  await first.subscribe("#");
  expect(text(await first.message())).toBe("of one");
  await first.publish("same/topic", "again");
  expect(text(await first.message())).toBe("again");
  await second.publish("same/topic", "of two");
  expect(text(await second.message())).toBe("of two");
  expect(second.log.filter(({ cmd }) => cmd === "publish")).toHaveLength(1);
});

it("knows all other clients after one that leaves has woken the shard", async () => {
  const deployment = await TestDeployment.create("unmet1x", 1);
  const [stays, leaves] = [await deployment.connect("stays"), await deployment.connect("leaves")];
  await stays.subscribe("a");
  await deployment.evict();
  leaves.close();
  await leaves.closed;
  const publisher = await deployment.connect("p");
  expect(await publisher.publish("a", "x")).toBe(0);
  expect(text(await stays.message())).toBe("x");
});
