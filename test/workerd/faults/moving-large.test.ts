// Slots of which more is stored than moves together: they move last, alone, page by page, whatever dies between two pages.

import { runDurableObjectAlarm } from "cloudflare:test";
import mqttPacket from "mqtt-packet";
import { afterEach, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { slotOfClientId, slotOfTopic } from "../../../src/broker/topics/slots.ts";
import { MoveRecord } from "../../../src/durable-objects/deployment/move-record.ts";
import { inStorage } from "../deployment/deployment-client.ts";
import type { LinkClient } from "../shards/link-client.ts";
import { FaultyDeploymentObject } from "./faulty-shards.ts";
import { MovingFaultyDeployment } from "./moving-deployment.ts";

/** More than moves together. */
const RETAINED = limits.moveRows + 1;
const QUEUED = 10;
/** Steps between two deaths of the Deployment object; each call to a shard may end that. */
const STEPS = 11;
const chances = { lost: 0, repeated: 0, delayed: 0, overtaken: 0, uncommitted: 0, step: 0.03 };
const PAYLOAD = "x".repeat(300_000);

afterEach(() => vi.restoreAllMocks());

/** Names of which each has a slot in the upper half, the first `count` with the same. */
function inOneSlot(count: number, name: (i: number) => string, slotOf: (name: string) => number): string[] {
  const bySlot = new Map<number, string[]>();
  for (let i = 0; ; i++) {
    const slot = slotOf(name(i));
    const known = [...(bySlot.get(slot) ?? []), name(i)];
    bySlot.set(slot, known);
    if (slot >= 512 && known.length === count) return known;
  }
}

function retainedPacket(topic: string): ArrayBuffer {
  const packet = { cmd: "publish", topic, payload: topic, qos: 1, retain: true, dup: false, messageId: 1 } as const;
  const { buffer, byteOffset, byteLength } = mqttPacket.generate(packet, { protocolVersion: 5 });
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** Rings until nothing is left to move. The Deployment object dies whenever some steps of a move are stored. */
async function moveThroughDeaths(deployment: MovingFaultyDeployment): Promise<number> {
  let [steps, deaths] = [0, 0];
  const { reached } = MoveRecord.prototype;
  vi.spyOn(MoveRecord.prototype, "reached").mockImplementation(function (this: MoveRecord, ...step) {
    reached.apply(this, step);
    if (++steps % STEPS !== 0) return;
    deaths += 1;
    FaultyDeploymentObject.contexts.get(deployment.id)?.abort("crash");
  });
  for (let rings = 0; ; rings++) {
    const sharding = await deployment.sharding().catch(() => null);
    if (sharding?.moving === null && sharding.session.slotsToMove + sharding.topic.slotsToMove === 0) break;
    expect(rings, JSON.stringify(sharding)).toBeLessThan(200);
    await inStorage(deployment.object, (sql) => sql.exec("UPDATE deadline SET at = 1")).catch(() => undefined);
    await runDurableObjectAlarm(deployment.object as never).catch(() => undefined);
  }
  vi.restoreAllMocks();
  return deaths;
}

it(
  "[MQTT-4.3.3-12] [MQTT-4.6.0-5] slots beyond all bounds move whole, each message once",
  { timeout: 90_000 },
  async () => {
    const deployment = await MovingFaultyDeployment.moving(2, 7, chances);
    await deployment.want({ session: 2, topic: 2 });
    await moveThroughDeaths(deployment);
    const [level = ""] = inOneSlot(1, (i) => `large${i}/x`, slotOfTopic);
    const topics = Array.from({ length: RETAINED }, (_, i) => `${level}/${i}`);
    await inStorage(deployment.topicShard(1), (sql) => {
      for (const topic of topics) {
        const row = [slotOfTopic(topic), topic, 0, retainedPacket(topic)];
        sql.exec("INSERT INTO retained (slot, topic, expires_at, packet) VALUES (?, ?, ?, ?)", ...row);
      }
    });
    const ids = inOneSlot(3, (i) => `client ${i}`, slotOfClientId);
    for (const id of ids) {
      const client = await deployment.connect(id);
      await client.subscribe("big/+/queue", { qos: 2 });
      await client.subscribe(`$share/g/${level}/waiting`);
      client.close();
    }
    const publisher = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
    for (let i = 0; i < QUEUED; i++) {
      await publisher.publishOnce("big/x/queue", `${i} ${PAYLOAD}`);
      await publisher.release();
      await publisher.publish(`${level}/waiting`, `${i}`);
    }
    publisher.close();

    deployment.begin();
    await deployment.want({ session: 1, topic: 1 });
    const deaths = await moveThroughDeaths(deployment);
    deployment.plan.end();
    expect(deaths).toBeGreaterThan(5);
    expect(deployment.plan.happened.step).toBeGreaterThan(5);

    for (const [kind, shard] of [
      ["topic", deployment.topicShard(0)],
      ["session", deployment.sessionShard(0)],
    ] as const) {
      expect({ kind, pages: await inStorage(shard, (sql) => sql.exec("SELECT n FROM slot_page").toArray()) }).toEqual({
        kind,
        pages: [],
      });
    }
    const kept = await inStorage(deployment.topicShard(0), (sql) =>
      sql.exec<{ topic: string }>("SELECT topic FROM retained").toArray(),
    );
    expect(kept.map(({ topic }) => topic).sort()).toEqual(topics.sort());
    expect(await deployment.topicShard(1).stats()).toMatchObject({ ok: true, value: { retained: 0 } });
    expect(await deployment.sessionShard(1).stats()).toMatchObject({
      ok: true,
      value: { sessions: 0, queuedMessages: 0 },
    });

    const all = Array.from({ length: QUEUED }, (_, i) => `${i}`);
    const shared: string[] = [];
    for (const id of ids) {
      const client = await deployment.connect(id);
      expect(client.sessionPresent).toBe(true);
      const queued: string[] = [];
      void collect(client, ({ topic, payload }) => {
        (topic === "big/x/queue" ? queued : shared).push(payload.toString().split(" ", 1)[0] ?? "");
      });
      await expect.poll(() => queued, { timeout: 10_000 }).toEqual(all);
    }
    await expect.poll(() => shared.toSorted()).toEqual(all);
  },
);

/** Takes what comes, with all that MQTT asks of a client. */
async function collect(client: LinkClient, take: (publish: { topic: string; payload: string | Uint8Array }) => void) {
  client.returnCredit = true;
  for (;;) {
    const publish = await client.take("publish");
    const { qos, messageId = 0 } = publish;
    take(publish);
    if (qos === 1) client.send({ cmd: "puback", messageId });
    else {
      client.send({ cmd: "pubrec", messageId });
      await client.take("pubrel");
      client.send({ cmd: "pubcomp", messageId });
    }
  }
}
