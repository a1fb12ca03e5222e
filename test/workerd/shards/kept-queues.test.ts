// Queues of sessions that end with their connection: in memory, written when they are quiet, whole over hibernation, and
// gone with all their rows when everything is acknowledged.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { LinkClient } from "./link-client.ts";
import { TestDeployment, text } from "./link-client.ts";
import { storedQueues } from "./stored-queues.ts";

let deployments = 0;
const TRANSIENT = { sessionExpiryInterval: 0 } as const;

/** Rows with messages, and entries, that are stored in a shard. */
async function rows(deployment: TestDeployment, clientId: string): Promise<{ messages: number; entries: number }> {
  return runInDurableObject(deployment.sessionShardOf(clientId) as never, (_instance, { storage }) =>
    storedQueues(storage.sql),
  );
}

async function publish(client: LinkClient, topic: string, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    client.send({ cmd: "publish", topic, payload: `${i}`, qos: 1, retain: false, dup: false, messageId: i });
  }
  for (let i = from; i <= to; i++) expect((await client.take("puback")).reasonCode ?? 0).toBe(0);
}

for (const shards of [1, 4]) {
  describe(`${shards} shard(s)`, { timeout: 30_000 }, () => {
    const create = () => TestDeployment.create(`kept${++deployments}x`, shards);

    it("a silent client costs no row while messages come, and gets them all when it speaks again", async () => {
      const deployment = await create();
      const silent = await deployment.connect("silent", { ...TRANSIENT, receiveMaximum: 10 });
      await silent.subscribe("k/#");
      const publisher = await deployment.connect("p");
      await publish(publisher, "k/1", 1, 200);
      expect(await rows(deployment, "silent")).toEqual({ messages: 0, entries: 0 });
      for (let i = 1; i <= 200; i++) expect(text(await silent.message())).toBe(`${i}`);
    });

    it("sleeps with what it has written, and goes on in order", async () => {
      const deployment = await create();
      const silent = await deployment.connect("silent", { ...TRANSIENT, receiveMaximum: 10 });
      await silent.subscribe("k/#");
      const publisher = await deployment.connect("p");
      await publish(publisher, "k/1", 1, 60);
      await expect.poll(async () => (await rows(deployment, "silent")).entries, { timeout: 5_000 }).toBe(60);
      await deployment.evict("hibernate");
      const first = await silent.message(false);
      await publish(publisher, "k/1", 61, 80);
      silent.send({ cmd: "puback", messageId: first.messageId ?? 0 });
      expect(text(first)).toBe("1");
      for (let i = 2; i <= 80; i++) expect(text(await silent.message())).toBe(`${i}`);
      await expect.poll(() => rows(deployment, "silent"), { timeout: 5_000 }).toEqual({ messages: 0, entries: 0 });
    });

    it("leaves no row when sessions of both kinds have acknowledged a message, in whatever order", async () => {
      const deployment = await create();
      // With one shard they share the message; with four they may.
      const [transient, lasting] = [
        await deployment.connect("same-a", { ...TRANSIENT, receiveMaximum: 5 }),
        await deployment.connect("same-b", { receiveMaximum: 5 }),
      ];
      for (const client of [transient, lasting]) await client.subscribe("k/#");
      const publisher = await deployment.connect("p");
      await publish(publisher, "k/1", 1, 40);
      for (let i = 1; i <= 20; i++) expect(text(await lasting.message())).toBe(`${i}`);
      await expect.poll(async () => (await rows(deployment, "same-a")).entries, { timeout: 5_000 }).toBeGreaterThan(39);
      for (let i = 1; i <= 40; i++) expect(text(await transient.message())).toBe(`${i}`);
      for (let i = 21; i <= 40; i++) expect(text(await lasting.message())).toBe(`${i}`);
      for (const id of ["same-a", "same-b"]) {
        await expect.poll(() => rows(deployment, id), { timeout: 5_000 }).toEqual({ messages: 0, entries: 0 });
      }
    });

    it("a session that ends leaves none of its queue", async () => {
      const deployment = await create();
      const silent = await deployment.connect("silent", TRANSIENT);
      await silent.subscribe("k/#");
      const publisher = await deployment.connect("p");
      await publish(publisher, "k/1", 1, 100);
      await expect.poll(async () => (await rows(deployment, "silent")).entries, { timeout: 5_000 }).toBe(100);
      await publish(publisher, "k/1", 101, 150);
      silent.close();
      await silent.closed;
      await expect.poll(() => rows(deployment, "silent"), { timeout: 5_000 }).toEqual({ messages: 0, entries: 0 });
      const again = await deployment.connect("silent", TRANSIENT);
      expect(again.sessionPresent).toBe(false);
    });
  });
}
