// More and fewer shards on a live deployment, with all that a broker keeps: it is where its slot is afterwards.

import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import type { Stale } from "../../../src/contracts/link.ts";
import { ATTACH_HEADER, attachHeader, LINK_URL, linkClose } from "../../../src/contracts/link.ts";
import type { LinkClient } from "../shards/link-client.ts";
import { baseAttach, config, text } from "../shards/link-client.ts";
import { inStorage } from "./deployment-client.ts";
import { MovingDeployment } from "./moving-client.ts";

const LONG = { timeout: 60_000 };
const TOPICS = Array.from({ length: 24 }, (_, i) => `t${i}/x`);
const CLIENTS = Array.from({ length: 24 }, (_, i) => `client ${i}`);

let made = 0;
const nextId = () => `m${++made}move`;

async function publishAll(client: LinkClient, round: string): Promise<void> {
  for (const topic of TOPICS) await client.publish(topic, `${round} ${topic}`);
}

function expected(...rounds: readonly string[]): string[] {
  return rounds.flatMap((round) => TOPICS.map((topic) => `${round} ${topic}`));
}

async function messages(client: LinkClient, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) got.push(text(await client.message()));
  return got;
}

/** Of each topic in the order in which they came; topics have no order among each other. */
function sorted(got: readonly string[]): string[] {
  return TOPICS.flatMap((topic) => got.filter((each) => each.endsWith(` ${topic}`)));
}

describe.each([
  [1, { session: 3, topic: 2 }],
  [4, { session: 1, topic: 1 }],
  [2, { session: 2, topic: 5 }],
] as const)("from %i of each kind to %o", (shards, wanted) => {
  it("sessions have their subscriptions, and what waits for them in order", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), shards);
    for (const id of CLIENTS) {
      const client = await deployment.connect(id);
      await client.subscribe(id.endsWith("3") ? "#" : "+/x");
      client.close();
    }
    const publisher = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
    await publishAll(publisher, "before");
    await deployment.want(wanted);
    const done = await deployment.moved();
    expect(done.session).toEqual({ wanted: wanted.session, serving: wanted.session, slotsToMove: 0 });
    expect(done.topic).toEqual({ wanted: wanted.topic, serving: wanted.topic, slotsToMove: 0 });
    await publishAll(await deployment.connect("publisher", { sessionExpiryInterval: 0 }), "after");
    for (const id of CLIENTS) {
      const client = await deployment.connect(id);
      expect(client.sessionPresent).toBe(true);
      const got = await messages(client, 2 * TOPICS.length);
      expect(sorted(got)).toEqual(sorted(expected("before", "after")));
    }
  });

  it("retained messages are found by their topics and by wildcards, each once", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), shards);
    const publisher = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
    for (const topic of TOPICS) await publisher.publish(topic, `kept ${topic}`, { retain: true });
    await deployment.want(wanted);
    await deployment.moved();
    const one = await deployment.connect("one", { sessionExpiryInterval: 0 });
    await one.subscribe("#");
    expect(sorted(await messages(one, TOPICS.length))).toEqual(expected("kept"));
    const other = await deployment.connect("other", { sessionExpiryInterval: 0 });
    for (const topic of TOPICS) {
      await other.subscribe(topic);
      expect(text(await other.message())).toBe(`kept ${topic}`);
    }
    const again = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
    for (const topic of TOPICS) await again.publish(topic, "", { retain: true });
    const stats = await Promise.all(Array.from({ length: 5 }, (_, i) => deployment.topicShard(i).stats()));
    expect(stats.reduce((sum, each) => sum + (each.ok ? each.value.retained : 0), 0)).toBe(0);
  });

  it("a group has its members and what waits for them, and each message goes to one", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), shards);
    for (const id of CLIENTS) {
      const client = await deployment.connect(id);
      await client.subscribe("$share/g/+/x");
      await client.subscribe(`$share/h/${TOPICS[0] ?? ""}`);
      client.close();
    }
    const publisher = await deployment.connect("publisher", { sessionExpiryInterval: 0 });
    await publishAll(publisher, "before");
    await deployment.want(wanted);
    await deployment.moved();
    await publishAll(await deployment.connect("publisher", { sessionExpiryInterval: 0 }), "after");
    const all = await Promise.all(CLIENTS.map((id) => deployment.connect(id)));
    const got: string[] = [];
    const total = 2 * TOPICS.length + 2;
    for (const client of all) {
      void (async () => {
        for (;;) got.push(text(await client.message()));
      })();
    }
    await expect.poll(() => got.length, { timeout: 20_000 }).toBe(total);
    const both = [`before ${TOPICS[0] ?? ""}`, `after ${TOPICS[0] ?? ""}`];
    expect([...got].sort()).toEqual([...expected("before", "after"), ...both].sort());
    // Later ones are given to who is connected, and once.
    await publishAll(await deployment.connect("publisher", { sessionExpiryInterval: 0 }), "later");
    await expect.poll(() => got.length, { timeout: 20_000 }).toBe(total + TOPICS.length + 1);
  });

  it("who has a filter exclusively has it still, and gives it up", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), shards);
    for (const [i, id] of CLIENTS.entries()) {
      const client = await deployment.connect(id);
      expect(await client.subscribe(`$exclusive/${TOPICS[i] ?? ""}`)).toEqual([1]);
      client.close();
    }
    await deployment.want(wanted);
    await deployment.moved();
    const other = await deployment.connect("other");
    for (const [i, id] of CLIENTS.entries()) {
      const filter = `$exclusive/${TOPICS[i] ?? ""}`;
      expect(await other.subscribe(filter)).toEqual([0x97]);
      const holder = await deployment.connect(id);
      holder.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: [filter] });
      await holder.take("unsuback");
      await expect.poll(() => other.subscribe(filter), { timeout: 10_000 }).toEqual([1]);
    }
  });
});

describe("while slots move", () => {
  it("clients of these slots are ended and come back, others stay", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), 1);
    const clients = await Promise.all(CLIENTS.map((id) => deployment.connect(id)));
    const ended = new Map<number, { code: number; reason: number }>();
    clients.forEach((client, i) => {
      void (async () => {
        const { reasonCode = 0 } = await client.take("disconnect");
        ended.set(i, { code: await client.closed, reason: reasonCode });
      })();
    });
    const before = CLIENTS.map((id) => deployment.indexOf(id));
    await deployment.want({ session: 2, topic: 1 });
    await deployment.moved();
    await deployment.learn();
    for (const [i, id] of CLIENTS.entries()) {
      if (deployment.indexOf(id) === before[i]) expect(ended.has(i)).toBe(false);
      else await expect.poll(() => ended.get(i)).toEqual({ code: linkClose.ended, reason: 0x8b });
    }
    expect(ended.size).toBeGreaterThan(0);
    expect(ended.size).toBeLessThan(CLIENTS.length);
  });

  it("whoever knows the old place is told the new one", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), 1);
    await deployment.want({ session: 2, topic: 1 });
    await deployment.moved();
    await deployment.learn();
    const clientId = CLIENTS.find((id) => deployment.indexOf(id) === 1) ?? "";
    const attach = { ...baseAttach, clientId, configVersion: 1 };
    const headers = { Upgrade: "websocket", [ATTACH_HEADER]: attachHeader(attach) };
    const response = await deployment.sessionShard(0).fetch(new Request(LINK_URL, { headers }));
    expect(response.status).toBe(409);
    const stale = await response.json<Stale>();
    expect(stale.config?.placement?.session).toEqual([
      [0, 512],
      [1, 512],
    ]);
  });

  it("a session that moves lets nobody connect, and a move that is given up lets all connect", LONG, async () => {
    const deployment = await MovingDeployment.of(nextId(), 1);
    const move = { id: 7, from: 0, to: 1, slots: Array.from({ length: 1_024 }, (_, slot) => slot) };
    const client = await deployment.connect("client");
    await client.subscribe("a/b");
    const tooLate = await deployment
      .sessionShard(0)
      .closeSlots(move)
      .catch((thrown: unknown) => String(thrown));
    expect(tooLate).toContain("another move is made, or none");
    const all: [number, number][] = [[0, 1_024]];
    const placement = { session: all, topic: all, held: [], move: move.id };
    await deployment.sessionShard(0).configure(deployment.id, 0, config(1, { serial: 2, placement }));
    await deployment.sessionShard(0).closeSlots(move);
    expect((await client.take("disconnect")).reasonCode).toBe(0x8b);
    await expect(deployment.connect("client", { configVersion: 2 })).rejects.toThrow("moving");
    await evict(deployment);
    await expect(deployment.connect("client", { configVersion: 2 })).rejects.toThrow("moving");
    await deployment.publish({ version: 3 }); // It names no move.
    expect((await deployment.connect("client")).sessionPresent).toBe(true);
  });

  it(
    "a will is published by the shard that has the session then, or forgotten if its client is back",
    LONG,
    async () => {
      const deployment = await MovingDeployment.of(nextId(), 1);
      const watcher = await deployment.connect("watcher");
      await watcher.subscribe("will/#");
      const packet = mqttPacket.generate(
        { cmd: "publish", topic: "will/x", payload: "gone", qos: 1, retain: false, dup: false, messageId: 1 },
        { protocolVersion: 5 },
      );
      const will = { packet: packet.toString("base64"), delayInterval: 0 };
      for (const id of CLIENTS) await deployment.connect(id, { will });
      await deployment.want({ session: 2, topic: 1 });
      await deployment.moved();
      await deployment.learn();
      const [back = "", ...lost] = CLIENTS.filter((id) => deployment.indexOf(id) === 1);
      await deployment.connect(back);
      await inStorage(deployment.sessionShard(1), (sql) => sql.exec("UPDATE will SET due = 1 WHERE due IS NOT NULL"));
      await ringShard(deployment, 1);
      const again = deployment.indexOf("watcher") === 0 ? watcher : await deployment.connect("watcher");
      for (const _ of lost) expect(text(await again.message())).toBe("gone");
      expect(again.log.filter(({ cmd }) => cmd === "publish").length).toBe(lost.length);
    },
  );
});

async function evict(deployment: MovingDeployment): Promise<void> {
  await evictDurableObject(deployment.sessionShard(0) as never);
}

/** Rings a session shard's alarm with all its deadlines due. */
async function ringShard(deployment: MovingDeployment, index: number): Promise<void> {
  const shard = deployment.sessionShard(index);
  await inStorage(shard, (sql) => sql.exec("UPDATE deadline SET at = 1"));
  await runDurableObjectAlarm(shard as never);
}
