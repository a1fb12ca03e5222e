// What could go wrong when slots move: wills of who is back, calls that come late, objects that would sleep, reads that
// stand in both shards, quotas on the way.

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import mqttPacket from "mqtt-packet";
import { expect, it } from "vitest";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import { placementOf } from "../../../src/contracts/deployment-config.ts";
import { OutboxRows } from "../../../src/durable-objects/session-shard/outbox-rows.ts";
import { RetainedReads } from "../../../src/durable-objects/session-shard/retained-reads.ts";
import { chooseSlots } from "../../../src/platform/slot-choice.ts";
import { config, text } from "../shards/link-client.ts";
import { inStorage } from "./deployment-client.ts";
import { MovingDeployment } from "./moving-client.ts";

const LONG = { timeout: 60_000 };
const ALL: [number, number][] = [[0, 1_024]];
const CLIENTS = Array.from({ length: 24 }, (_, i) => `client ${i}`);

let made = 0;
const nextId = () => `h${++made}move`;

it("a client without a lasting session that is back announces no will", LONG, async () => {
  const deployment = await MovingDeployment.of(nextId(), 1);
  const stays = Array.from({ length: 99 }, (_, i) => `watcher ${i}`).find((id) => slotOfClientId(id) < 512) ?? "";
  const watcher = await deployment.connect(stays);
  await watcher.subscribe("will/#");
  const packet = mqttPacket.generate(
    { cmd: "publish", topic: "will/x", payload: "gone", qos: 1, retain: false, dup: false, messageId: 1 },
    { protocolVersion: 5 },
  );
  const change = { will: { packet: packet.toString("base64"), delayInterval: 0 }, sessionExpiryInterval: 0 };
  for (const id of CLIENTS) await deployment.connect(id, change);
  await deployment.want({ session: 2, topic: 1 });
  await deployment.moved();
  await deployment.learn();
  const moved = CLIENTS.filter((id) => deployment.indexOf(id) === 1);
  expect(moved.length).toBeGreaterThan(0);
  for (const id of moved) await deployment.connect(id, change);
  for (const index of [0, 1]) {
    const shard = deployment.sessionShard(index);
    await inStorage(shard, (sql) => sql.exec("UPDATE will SET due = 1 WHERE due IS NOT NULL"));
    await inStorage(shard, (sql) => sql.exec("UPDATE deadline SET at = 1"));
    await runDurableObjectAlarm(shard as never);
  }
  await (await deployment.connect("last")).publish("will/last", "last");
  expect(text(await watcher.message())).toBe("last");
});

it("a page that comes again, late, undoes nothing, and one that is missing is noticed", LONG, async () => {
  const deployment = await MovingDeployment.of(nextId(), 1);
  const publisher = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
  for (let i = 0; i < 3; i++) {
    const client = await deployment.connect(`away ${i}`);
    await client.subscribe(`t/${i}`);
    client.close();
    for (let j = 0; j < 3; j++) await publisher.publish(`t/${i}`, "x".repeat(300_000));
  }
  const [from, to] = [deployment.sessionShard(0), deployment.sessionShard(1)];
  const move = { id: 7, from: 0, to: 1, slots: Array.from({ length: 1_024 }, (_, slot) => slot) };
  const placement = { session: ALL, topic: ALL, held: [], move: move.id };
  for (const [index, shard] of [from, to].entries()) {
    await shard.configure(deployment.id, index, config(1, { serial: 2, placement }));
  }
  await from.closeSlots(move);
  const pages: Uint8Array[] = [];
  for (let next: string | null = ""; next !== null;) {
    const page: { bytes: Uint8Array; next: string | null } = await from.exportSlots(move, next);
    pages.push(page.bytes);
    ({ next } = page);
  }
  expect(pages.length).toBeGreaterThan(2);
  for (const [index, bytes] of pages.entries()) if (index !== 1) await to.importSlots(move, index, bytes);
  const missing = await to.adoptSlots(move, pages.length).catch((error: unknown) => String(error));
  expect(missing).toContain(`${pages.length - 1} of ${pages.length} pages`);
  await to.importSlots(move, 1, pages[1] ?? new Uint8Array());
  await to.importSlots(move, 0, pages[0] ?? new Uint8Array());
  for (let adopted = 1; !(await to.adoptSlots(move, pages.length)); adopted++) {
    expect(adopted).toBeLessThan(pages.length);
  }
  await to.importSlots(move, 0, pages[0] ?? new Uint8Array());
  expect(await to.adoptSlots(move, pages.length)).toBe(true);
  expect(await inStorage(to, (sql) => sql.exec("SELECT n FROM slot_page").toArray())).toEqual([]);
  const tooEarly = await from.releaseSlots(move, "").catch((error: unknown) => String(error));
  expect(tooEarly).toContain("still this shard's");
  const moved = { ...placement, session: [[1, 1_024]] as [number, number][] };
  for (const [index, shard] of [from, to].entries()) {
    await shard.configure(deployment.id, index, config(1, { serial: 3, placement: moved }));
  }
  expect(await from.releaseSlots(move, "")).toBe(null);
  const stats = await to.stats();
  expect(stats).toMatchObject({ ok: true, value: { sessions: 3, queuedMessages: 9 } });
  expect(await from.stats()).toMatchObject({ ok: true, value: { queuedMessages: 0 } });
});

it("what has come of a move that was given up is removed", LONG, async () => {
  const deployment = await MovingDeployment.of(nextId(), 1);
  const move = { id: 7, from: 0, to: 1, slots: [1] };
  const placement = { session: ALL, topic: ALL, held: [], move: move.id };
  for (const shard of [deployment.sessionShard(1), deployment.topicShard(1)]) {
    await shard.configure(deployment.id, 1, config(1, { serial: 2, placement }));
    for (let page = 0; page < 40; page++) await shard.importSlots(move, page, new Uint8Array([1]));
    await shard.configure(deployment.id, 1, config(1, { serial: 3, placement: { ...placement, move: 0 } }));
    const pages = () => inStorage(shard, (sql) => sql.exec("SELECT n FROM slot_page").toArray().length);
    await expect.poll(pages).toBe(0);
  }
});

it("a shard does not sleep over what it holds", LONG, async () => {
  const deployment = await MovingDeployment.of(nextId(), 1);
  const subscriber = await deployment.connect("subscriber");
  await subscriber.subscribe("a/b");
  const publisher = await deployment.connect("publisher");
  const shard = deployment.sessionShard(0);
  const placement = { session: ALL, topic: ALL, held: [0], move: 7 };
  await shard.configure(deployment.id, 0, config(1, { serial: 2, placement }));
  const held = publisher.publish("a/b", "held");
  await shard.stats(); // It has come.
  const evicted = evictDurableObject(shard as never);
  const free = { ...placement, held: [], move: 0 };
  await shard.configure(deployment.id, 0, config(1, { serial: 3, placement: free }));
  expect(text(await subscriber.message())).toBe("held");
  expect(await held).toBe(0);
  await evicted;
});

it("a read of retained messages that stands in both shards goes on from where less was sent", LONG, async () => {
  const deployment = await MovingDeployment.of(nextId(), 1);
  const reads = await runInDurableObject(
    deployment.sessionShard(0) as never,
    (_: unknown, { storage }: DurableObjectState) => {
      const { sql } = storage;
      sql.exec("INSERT INTO retained_read (uid, filter, shard, after) VALUES (1, '#', 0, 'c'), (1, '#', 1, 'm')");
      const open = new RetainedReads(sql, {
        held: () => false,
        send: () => undefined,
        room: () => 100,
        subscription: () => ({ noLocal: false }),
        publisher: () => undefined,
        failed: () => undefined,
      });
      open.placed(SlotMap.even(2), SlotMap.even(2).moved([0, 1, 2], 1));
      return sql
        .exec<{ shard: number; after: string }>("SELECT shard, after FROM retained_read ORDER BY shard")
        .toArray();
    },
  );
  expect(reads).toEqual([
    { shard: 0, after: "c" },
    { shard: 1, after: "c" },
  ]);
});

it("a shard has as much of the plan's counts as it has slots", LONG, async () => {
  const limits = { ...config(1).limits, retainedMessagesMax: 10 };
  const deployment = await MovingDeployment.of(nextId(), 1, { limits });
  const publisher = await deployment.connect("publisher");
  const placement = {
    session: ALL,
    topic: [
      [0, 1_008],
      [1, 16],
    ] as [number, number][],
    held: [],
    move: 0,
  };
  const change = { limits, serial: 2, placement };
  await deployment.topicShard(1).configure(deployment.id, 1, config(1, change));
  await deployment.topicShard(0).configure(deployment.id, 0, config(1, change));
  const { topic } = placementOf(config(1, change));
  expect(topic.sizes.get(0)).toBe(1_008);
  for (let i = 0; i < 10; i++) expect(await publisher.publish(`r${i}/x`, "kept", { retain: true })).toBe(0x10);
  expect(await publisher.publish("r10/x", "kept", { retain: true })).toBe(0x97);
});

it(
  "what was never sent gets its new place at once, however much it is, and what stays keeps its own",
  LONG,
  async () => {
    const deployment = await MovingDeployment.of(nextId(), 1);
    const rows = 20_000;
    const seen = await runInDurableObject(
      deployment.sessionShard(0) as never,
      (_: unknown, { storage }: DurableObjectState) => {
        const outbox = new OutboxRows(storage.sql);
        const message = (byte: number) => ({ publisher: 1, expiresAt: 0, packet: Uint8Array.from([byte]), share: "" });
        storage.transactionSync(() => {
          for (let i = 0; i < rows; i++) outbox.add(0, [message(0), message(1), message(0)]);
        });
        const renumbered = storage.transactionSync(() => outbox.relane(new Set([0]), (packet) => packet[0] ?? 0));
        const staying = outbox.next(0, 0).map(({ sequence }) => sequence);
        const gone = outbox.next(1, 0);
        const { messages } = outbox;
        storage.sql.exec("DELETE FROM outbox");
        return { renumbered: renumbered.length, first: renumbered[0], staying, gone: gone[0]?.sequence, messages };
      },
    );
    expect(seen.renumbered).toBe(rows);
    expect(seen.messages).toBe(3 * rows);
    expect(seen.first?.[0]).toBe(2);
    expect(seen.gone).toBe(seen.first?.[1]);
    expect(seen.staying).toEqual([1]);
  },
);

it("slots move together while they are within the bounds, and one that is beyond them moves last, alone", () => {
  const weights = [5, 200, 30, 70, 10].map((bytes, slot) => ({ slot, bytes, rows: 1 }));
  const bounds = { count: 10, bytes: 100, rows: 100 };
  expect(chooseSlots(weights, bounds)).toEqual([0, 2]);
  expect(chooseSlots(weights, { ...bounds, bytes: 205 })).toEqual([0, 1]);
  expect(chooseSlots(weights, { ...bounds, count: 1 })).toEqual([0]);
  expect(chooseSlots(weights.slice(1, 2), bounds)).toEqual([1]);
  const large = [300, 200, 150].map((bytes, slot) => ({ slot, bytes, rows: 1 }));
  expect(chooseSlots(large, bounds)).toEqual([0]);
});
