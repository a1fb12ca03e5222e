// What a shard does when it stores all that it may, with a bound far below the real one.

import { runInDurableObject } from "cloudflare:test";
import { inOrderOfArrival } from "../../../src/broker/session/queue-order.ts";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Delivery } from "../../../src/broker/session/delivery.ts";
import type { Effect } from "../../../src/broker/session/effects.ts";
import { noHandshakes } from "../../../src/broker/session/handshakes.ts";
import { Message } from "../../../src/broker/session/message.ts";
import { Session } from "../../../src/broker/session/session.ts";
import { SqlSessionStore } from "../../../src/durable-objects/session-shard/sql-session-store.ts";
import { StorageBound } from "../../../src/durable-objects/session-shard/storage-bound.ts";
import { TestDeployment } from "./link-client.ts";

const EMPTY = {
  sentUpTo: 0,
  lastNumber: 0,
  sent: 0,
  queued: 0,
  queuedBytes: 0,
  queuedQos0: 0,
  shared: 0,
  classes: [],
  lastArrival: 0,
};
const KIB = 1_024;

function message(bytes: number): Message {
  const payload = new Uint8Array(bytes);
  const packet = writePublish({
    topic: "t",
    qos: 1,
    retain: false,
    packetId: 1,
    properties: new Uint8Array(),
    payload,
  });
  return new Message(readTrustedPublish(packet), 0, 0);
}

it("shortens the largest queues, from their oldest messages, and no others", async () => {
  const deployment = await TestDeployment.create("bound1x", 1);
  await runInDurableObject(deployment.sessionShard(0) as never, (_instance, { storage }) => {
    const { sql } = storage;
    const effects: Effect[] = [];
    const store = new SqlSessionStore({
      sql,
      onRemoved: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    const sessions = new Map<number, Session>();
    const bound = new StorageBound({
      sql,
      store,
      bytesMax: sql.databaseSize + 1_000 * KIB,
      effects,
      now: () => 0,
      session: (uid) => sessions.get(uid) ?? null,
    });
    const queue = (uid: number, bytes: number) => {
      const outboundLimits = {
        inflightMax: 32,
        queueLengthMax: 1_000,
        queueBytesMax: 1e9,
        queueStoreQos0: true,
        queueOrder: inOrderOfArrival,
      };
      const session =
        sessions.get(uid) ??
        new Session({
          uid,
          clientId: `${uid}`,
          store,
          state: EMPTY,
          limits: outboundLimits,
          inboundLimits: { receiveMaximum: 1, awaitingReleaseMax: 1 },
          handshakes: noHandshakes,
        });
      sessions.set(uid, session);
      const each = message(bytes);
      const place = { qos: 1, retain: false, retained: false, identifiers: [], share: "" } as const;
      const recipient = session.outbound.offer(new Delivery(each, () => undefined), place, false, 0, effects);
      if (recipient === null) throw new Error("it was not to be stored");
      store.append(each, [recipient]);
      store.commit();
      bound.keep(sql.databaseSize);
    };
    for (let i = 0; i < 20; i++) queue(1, 2 * KIB);
    for (let i = 0; i < 200; i++) queue(2, 10 * KIB);
    expect(bound.full).toBe(false);
    expect(sessions.get(1)?.outbound.queued).toBe(20);
    const large = sessions.get(2)?.outbound.queued ?? 0;
    expect(large).toBeLessThan(100);
    expect(effects.filter(({ type }) => type === "drop")).toHaveLength(200 - large);
    const numbers = store.read(2, 0, 1_000).map(({ n }) => n);
    expect(numbers).toEqual(Array.from({ length: large }, (_, i) => 200 - large + 1 + i));
  });
});

it("gives room back for some queues together", () => {
  let reclaimed = 0;
  const bound = new StorageBound({
    sql: { databaseSize: 100 } as SqlStorage,
    store: { largest: (count) => Array.from({ length: count }, (_, i) => i), reclaim: () => (reclaimed += 1) },
    bytesMax: 100,
    effects: [],
    now: () => 1,
    session: () => null,
  });
  bound.keep(100);
  expect(reclaimed).toBeLessThan(12);
});

it("takes nothing new while it is full: no session, no subscription, no retained message", async () => {
  const deployment = await TestDeployment.create("bound2x", 1);
  const client = await deployment.connect("c");
  await client.subscribe("known");
  const fill = (stub: unknown, size: number | null) =>
    runInDurableObject(stub as never, (_instance, { storage }) => {
      if (size === null) Reflect.deleteProperty(storage.sql, "databaseSize");
      else Object.defineProperty(storage.sql, "databaseSize", { configurable: true, value: size });
    });
  for (const stub of [deployment.sessionShard(0), deployment.topicShard(0)]) await fill(stub, limits.storedBytes);
  expect(await client.subscribe("new")).toEqual([0x97]);
  expect(await client.subscribe("known", { qos: 0 })).toEqual([0]);
  expect(await client.publish("t", "x", { retain: true })).toBe(0x97);
  expect(await client.publish("known", "x")).toBe(0);
  await expect(deployment.connect("d")).rejects.toThrow("no room for another session");
  await deployment.connect("e", { sessionExpiryInterval: 0 });
  for (const stub of [deployment.sessionShard(0), deployment.topicShard(0)]) await fill(stub, null);
  expect(await client.publish("t", "x", { retain: true })).toBe(0x10);
});
