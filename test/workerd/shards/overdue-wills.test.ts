// Wills whose time comes while the outbox takes nothing: they are published all the same, over the loss of the memory.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import type { AttachedWill } from "../../../src/contracts/link.ts";
import { KeptWills } from "../../../src/durable-objects/session-shard/kept-wills.ts";
import { Wills } from "../../../src/durable-objects/session-shard/wills.ts";
import { TestDeployment } from "./link-client.ts";

const LEFT = { sessionExpiryInterval: 3_600, ours: false };

function packetOf(payload: string): Uint8Array {
  const bytes = new TextEncoder().encode(payload);
  return writePublish({
    topic: "will",
    qos: 1,
    retain: false,
    packetId: 1,
    properties: new Uint8Array(),
    payload: bytes,
  });
}

function will(payload: string): AttachedWill {
  return { packet: btoa(String.fromCharCode(...packetOf(payload))), delayInterval: 0 };
}

/** The wills of a shard, with an outbox that has room or not, and a clock that stands at the next time to run. */
class Shard {
  readonly published: string[] = [];
  room = false;
  /** Client ids whose slots are closed. */
  readonly closed = new Set<string>();
  dropped = 0;
  wills: Wills;
  #now = 0;
  #next = Infinity;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.wills = this.#made();
  }

  loseMemory(): void {
    this.wills = this.#made();
  }

  /** Runs what is due next. */
  run(): void {
    expect(this.#next).toBeLessThan(Infinity);
    this.#now = this.#next;
    this.#next = Infinity;
    this.wills.run(this.#now);
  }

  #made(): Wills {
    const now = () => this.#now;
    return new Wills({
      sql: this.#sql,
      kept: new KeptWills(now),
      closed: (clientId) => this.closed.has(clientId),
      now,
      take: ({ bytes, payloadOffset }) => {
        if (this.room) this.published.push(new TextDecoder().decode(bytes.subarray(payloadOffset)));
        return this.room;
      },
      dropped: () => (this.dropped += 1),
      runAt: (at) => (this.#next = Math.min(this.#next, at)),
    });
  }
}

async function inShard(name: string, work: (shard: Shard, sql: SqlStorage) => void): Promise<void> {
  const deployment = await TestDeployment.create(name, 1);
  await runInDurableObject(deployment.sessionShard(0) as never, (_instance, { storage }) =>
    work(new Shard(storage.sql), storage.sql),
  );
}

it("[MQTT-3.1.2-8] a will that found no room is published though its client is back, with another will", async () => {
  await inShard("overdue1x", (shard) => {
    shard.wills.set(1, "c", will("first"));
    shard.wills.left(1, LEFT);
    shard.wills.set(1, "c", will("second"));
    shard.wills.left(1, LEFT);
    shard.loseMemory();
    shard.wills.set(1, "c", will("third"));
    shard.run();
    expect(shard.published).toEqual([]);
    shard.room = true;
    shard.wills.left(1, LEFT); // Its order is kept.
    shard.run();
    expect(shard.published).toEqual(["first", "second", "third"]);
  });
});

it("past the bound the oldest will that found no room is dropped and counted; the others are published", async () => {
  await inShard("overdue2x", (shard, sql) => {
    sql.exec(
      `WITH RECURSIVE waiting (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM waiting WHERE id < ?)
       INSERT INTO overdue_will (id, uid, packet) SELECT id, id, ? FROM waiting`,
      limits.overdueWills,
      packetOf("older").buffer as ArrayBuffer,
    );
    shard.loseMemory();
    shard.wills.set(1, "c", will("last"));
    shard.wills.left(1, LEFT);
    expect(shard.dropped).toBe(1);
    shard.room = true;
    while (shard.published.at(-1) !== "last") shard.run();
    expect(shard.published.length).toBe(limits.overdueWills);
  });
});

it("wills of closed slots, however many are due, hold up no other's, and are published once their slots open", async () => {
  await inShard("overdue3x", (shard, sql) => {
    const closed = 2_000;
    sql.exec(
      `WITH RECURSIVE waiting (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM waiting WHERE id < ?)
       INSERT INTO will (uid, client_id, delay, due, ours, packet) SELECT id, 'closed', 0, 1, 0, ? FROM waiting`,
      closed,
      packetOf("closed").buffer as ArrayBuffer,
    );
    shard.loseMemory();
    shard.room = true;
    shard.closed.add("closed");
    shard.wills.set(closed + 1, "c", { ...will("other"), delayInterval: 1 });
    shard.wills.left(closed + 1, LEFT);
    shard.run();
    expect(shard.published).toEqual(["other"]);
    shard.closed.clear();
    while (shard.published.length <= closed) shard.run();
    expect(shard.published.slice(1).every((payload) => payload === "closed")).toBe(true);
  });
});
