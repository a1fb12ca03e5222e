// Shared subscriptions over real shards: each message goes to one member of each group, and whatever a member does not
// take is the group's.

import { runInDurableObject } from "cloudflare:test";
import type { Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import type { BrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { LinkClient } from "./link-client.ts";
import { TestDeployment, text } from "./link-client.ts";

type Publish = Extract<Packet, { cmd: "publish" }>;

let made = 0;
function deployment(shards: number, settings: Partial<BrokerSettings> = {}): Promise<TestDeployment> {
  made += 1;
  const all = { ...defaultBrokerSettings, ...settings };
  return TestDeployment.create(`shares${made}x`, shards, { settings: all });
}

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i));
}

/** Publishes to a topic at QoS 1, one after the other. */
async function publishAll(publisher: LinkClient, topic: string, payloads: readonly string[]): Promise<void> {
  for (const payload of payloads) expect(await publisher.publish(topic, payload)).toBe(0);
}

/** What clients get of so many messages, acknowledged as they come; by client. */
async function collect(clients: readonly LinkClient[], messages: number): Promise<string[][]> {
  const got = clients.map((): string[] => []);
  let total = 0;
  await new Promise<void>((resolve) => {
    const next = async (client: LinkClient, place: number): Promise<void> => {
      const message = await client.message();
      got[place]?.push(text(message));
      total += 1;
      if (total === messages) resolve();
      await next(client, place);
    };
    clients.forEach((client, place) => void next(client, place));
  });
  return got;
}

function byNumber(payloads: readonly string[]): string[] {
  return [...payloads].sort((a, b) => Number(a) - Number(b));
}

async function unsubscribe(client: LinkClient, topic: string): Promise<number[]> {
  client.send({ cmd: "unsubscribe", messageId: 20, unsubscriptions: [topic] });
  return (await client.take("unsuback")).granted as number[];
}

/** Waits until all that the shards have told each other so far is done: a message goes the same way behind it. */
async function flushed(publisher: LinkClient, topic: string): Promise<void> {
  await publisher.publish(topic, "");
}

/** Takes a QoS 2 message as far as PUBREC. */
async function begin(client: LinkClient): Promise<Publish> {
  const message = await client.take("publish");
  client.send({ cmd: "pubrec", messageId: message.messageId ?? 0 });
  await client.take("pubrel");
  return message;
}

describe.each([1, 4])("with %i shards of each kind", (shards) => {
  it.each(["a/b/c", "a/b/#", "+/b/c", "#"])(
    "%s: one member of each group and each other subscriber",
    async (filter) => {
      const here = await deployment(shards);
      const [one, two, third, other, plain] = await Promise.all(
        ["one", "two", "third", "other", "plain"].map((id) => here.connect(id)),
      );
      if (!one || !two || !third || !other || !plain) throw new Error("five are connected");
      for (const member of [one, two, third]) expect(await member.subscribe(`$share/g/${filter}`)).toEqual([1]);
      await other.subscribe(`$share/h/${filter}`);
      await plain.subscribe(filter);
      const publisher = await here.connect("publisher");
      const sent = numbers(30);
      await publishAll(publisher, "a/b/c", sent);
      const [first, ofOther, ofPlain] = await Promise.all([
        collect([one, two, third], 30),
        collect([other], 30),
        collect([plain], 30),
      ]);
      expect(byNumber(first.flat())).toEqual(sent);
      expect(first.map(({ length }) => length)).toEqual([10, 10, 10]); // In turn.
      expect([ofOther, ofPlain]).toEqual([[sent], [sent]]);
    },
  );

  it("gives a member's own copies too, with its identifiers, where it subscribes plainly as well", async () => {
    const here = await deployment(shards);
    const member = await here.connect("member");
    expect(await member.subscribe("$share/g/t", { qos: 0 })).toEqual([0]);
    expect(await member.subscribe("t", { qos: 1 })).toEqual([1]);
    const publisher = await here.connect("publisher");
    await publisher.publish("t", "x");
    const both = [await member.message(), await member.message()];
    expect(both.map(({ qos }) => qos).sort()).toEqual([0, 1]);
    expect(await unsubscribe(member, "$share/g/t")).toEqual([0]);
    await publisher.publish("t", "y");
    await publisher.publish("t", "z");
    expect([text(await member.message()), text(await member.message())]).toEqual(["y", "z"]);
  });

  it("gives what a member that leaves has not acknowledged to another, QoS 1 and unsent QoS 2", async () => {
    const here = await deployment(shards);
    const leaving = await here.connect("leaving", { receiveMaximum: 2 });
    await leaving.subscribe("$share/g/t", { qos: 2 });
    const publisher = await here.connect("publisher");
    await publisher.publish("t", "0");
    await publisher.publishOnce("t", "1");
    await publisher.release();
    const unacknowledged = await leaving.take("publish");
    const begun = await begin(leaving); // Begun: it stays.
    expect([text(unacknowledged), text(begun)]).toEqual(["0", "1"]);
    await publisher.publish("t", "2");
    await publisher.publishOnce("t", "3");
    await publisher.release();
    await flushed(publisher, "elsewhere");
    const staying = await here.connect("staying");
    await staying.subscribe("$share/g/t", { qos: 2 });
    leaving.close();
    await leaving.closed;
    const got = [await staying.take("publish"), await staying.take("publish"), await staying.take("publish")];
    expect(byNumber(got.map(text))).toEqual(["0", "2", "3"]);
    const back = await here.connect("leaving");
    expect((await back.take("pubrel")).messageId).toBe(begun.messageId);
  });

  it("gives what a session that ends with its connection has not acknowledged to another", async () => {
    const here = await deployment(shards);
    const leaving = await here.connect("leaving", { sessionExpiryInterval: 0, receiveMaximum: 1 });
    await leaving.subscribe("$share/g/t", { qos: 2 });
    const publisher = await here.connect("publisher");
    const publishing = publishAll(publisher, "t", numbers(5));
    expect(text(await leaving.message(false))).toBe("0");
    const staying = await here.connect("staying");
    await staying.subscribe("$share/g/t", { qos: 2 });
    leaving.close();
    await leaving.closed;
    const got = (await collect([staying], 5)).flat();
    await publishing;
    expect(byNumber([...new Set(got)])).toEqual(numbers(5));
  });

  it("keeps messages while no member is connected, over evictions and crashes, and gives them once at QoS 2", async () => {
    const here = await deployment(shards);
    const member = await here.connect("member");
    await member.subscribe("$share/g/t", { qos: 2 });
    member.close();
    await member.closed;
    const publisher = await here.connect("publisher");
    await publishAll(publisher, "t", numbers(3));
    for (const payload of numbers(20, 3)) {
      await publisher.publishOnce("t", payload);
      await publisher.release();
    }
    await here.evict();
    await here.crash("topic");
    const again = await here.connect("publisher");
    await publishAll(again, "t", numbers(1, 23));
    const second = await here.connect("second");
    await second.subscribe("$share/g/t", { qos: 2 });
    const got: string[] = [];
    while (got.length < 24) {
      const message = await second.take("publish");
      got.push(text(message));
      const messageId = message.messageId ?? 0;
      if (message.qos === 1) second.send({ cmd: "puback", messageId });
      else {
        second.send({ cmd: "pubrec", messageId });
        await second.take("pubrel");
        second.send({ cmd: "pubcomp", messageId });
      }
    }
    expect(got).toEqual(numbers(24));
    await again.publish("t", "end");
    expect(text(await second.message())).toBe("end");
    const back = await here.connect("member");
    await back.subscribe("marker");
    await again.publish("marker", "marker");
    expect(text(await back.message())).toBe("marker");
  });

  it("has no member left when the last one gives it up: nothing waits", async () => {
    const here = await deployment(shards);
    const member = await here.connect("member");
    await member.subscribe("$share/g/t");
    const publisher = await here.connect("publisher");
    expect(await publisher.publish("t", "x")).toBe(0);
    expect(text(await member.message())).toBe("x");
    expect(await unsubscribe(member, "$share/g/t")).toEqual([0]);
    // The word is on its way to the topic shard until then.
    const NO_MATCHING_SUBSCRIBERS = 0x10;
    while ((await publisher.publish("t", "y")) !== NO_MATCHING_SUBSCRIBERS);
    await member.subscribe("$share/g/t");
    expect(await publisher.publish("t", "z")).toBe(0);
    expect(text(await member.message())).toBe("z");
  });

  it.each(["session", "topic"] as const)(
    "loses nothing when the %s shards crash with messages in hand",
    async (kind) => {
      const here = await deployment(shards);
      const dying = await here.connect("dying", { receiveMaximum: 3 });
      await dying.subscribe("$share/g/t");
      const publisher = await here.connect("publisher");
      const sent = numbers(10);
      const publishing = Promise.all(
        sent.map((payload, i) => {
          publisher.send({ cmd: "publish", topic: "t", payload, qos: 1, retain: false, dup: false, messageId: i + 1 });
          return publisher.take("puback");
        }),
      );
      for (let i = 0; i < 3; i++) await dying.message(false);
      await publishing; // All are safe: with the member's shard, in its store.
      await here.crash(kind);
      const again = await here.connect("publisher");
      const member = await here.connect("member");
      await member.subscribe("$share/g/t");
      if (kind === "topic") {
        dying.close();
        await dying.closed;
      } else {
        // The crash has ended its connection, and its shard learns it at the first touch.
        await here.clientInfo("dying");
      }
      const got = new Set<string>();
      while (got.size < sent.length) got.add(text(await member.message()));
      expect(byNumber([...got])).toEqual(sent);
      expect(await again.publish("t", "end")).toBe(0);
      expect(text(await member.message())).toBe("end");
    },
  );

  it("gives a QoS 2 message to one member, though shards crash between its taking and its delivery", async () => {
    const here = await deployment(shards);
    /** Who was sent what, over all connections. */
    const takers = new Map<string, Set<string>>();
    let changed: () => void = () => undefined;
    const follow = async (id: string, client: LinkClient): Promise<void> => {
      const payload = text(await client.take("publish"));
      takers.set(payload, (takers.get(payload) ?? new Set()).add(id));
      changed();
      await follow(id, client);
    };
    const open = async (id: string): Promise<LinkClient> => {
      const member = await here.connect(id);
      void follow(id, member);
      return member;
    };
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await (await open(id)).subscribe("$share/g/t", { qos: 2 });
    let publisher = await here.connect("publisher");
    for (const [round, kind] of (["topic", "session", "topic", "session"] as const).entries()) {
      for (const payload of numbers(8, round * 8)) {
        expect(await publisher.publishOnce("t", payload, { messageId: Number(payload) + 1 })).toBe(0);
      }
      await here.crash(kind); // With messages anywhere on their way.
      for (let i = 0; i < shards; i++) await here.topicShard(i).stats(); // Wakes it, as its alarm would.
      if (kind === "session") {
        publisher = await here.connect("publisher");
        for (const id of ids) await open(id);
      }
      while (takers.size < 8 * (round + 1)) await new Promise<void>((resolve) => (changed = resolve));
    }
    expect(byNumber([...takers.keys()])).toEqual(numbers(32));
    expect(Math.max(...Array.from(takers.values(), ({ size }) => size))).toBe(1);
  });
});

const strategies = ["random", "round_robin", "sticky", "hash_clientid", "hash_topic", "least_inflight"] as const;

describe.each([1, 4])("strategies, %i shard(s)", (shards) => {
  it.each(strategies)("%s gives each message to one member", async (sharedStrategy) => {
    const here = await deployment(shards, { sharedStrategy });
    const members = await Promise.all(["a", "b", "c"].map((id) => here.connect(id)));
    for (const member of members) await member.subscribe("$share/g/+/t");
    const publisher = await here.connect("publisher");
    const collected = collect(members, 48);
    // Topics of several topic shards.
    for (const payload of numbers(48)) await publisher.publish(`${Number(payload) % 12}/t`, payload);
    const got = await collected;
    expect(byNumber(got.flat())).toEqual(numbers(48));
    const had = got.filter((each) => each.length > 0).length;
    if (sharedStrategy === "round_robin") expect(had).toBe(3);
    if (sharedStrategy === "hash_clientid" && shards === 1) expect(had).toBe(1);
    if (sharedStrategy === "hash_topic") {
      const memberOf = new Map<string, Set<number>>();
      got.forEach((each, member) => {
        for (const payload of each) {
          const topic = String(Number(payload) % 12);
          memberOf.set(topic, (memberOf.get(topic) ?? new Set()).add(member));
        }
      });
      expect(Array.from(memberOf.values(), ({ size }) => size)).toEqual(Array<number>(12).fill(1));
    }
  });
});

describe("strategies", () => {
  it("least_inflight spares a member that does not acknowledge", async () => {
    const here = await deployment(1, { sharedStrategy: "least_inflight" });
    const [idle, busy] = [await here.connect("idle"), await here.connect("busy")];
    for (const member of [idle, busy]) await member.subscribe("$share/g/t");
    const publisher = await here.connect("publisher");
    const acknowledging = (async () => {
      const got: string[] = [];
      while (got.at(-1) !== "end") got.push(text(await idle.message()));
      return got;
    })();
    for (const payload of numbers(40)) await publisher.publish("t", payload);
    await publisher.publish("t", "end");
    const got = await acknowledging;
    const held = busy.log.filter(({ cmd }) => cmd === "publish").length;
    expect(held).toBeLessThan(10);
    expect(got.length + held).toBe(41);
  });

  it("hash_clientid follows the client over its sessions", async () => {
    const here = await deployment(1, { sharedStrategy: "hash_clientid" });
    const members = await Promise.all(["a", "b", "c"].map((id) => here.connect(id)));
    for (const member of members) await member.subscribe("$share/g/t");
    for (let i = 0; i < 4; i++) {
      const publisher = await here.connect("publisher", { cleanStart: true });
      await publisher.publish("t", "x");
    }
    for (const member of members) await member.subscribe("marker");
    await (await here.connect("other")).publish("marker", "marker");
    const counts = await Promise.all(
      members.map(async (member) => {
        for (let got = 0; ; got++) if (text(await member.message()) === "marker") return got;
      }),
    );
    expect(counts.sort()).toEqual([0, 0, 4]);
  });
});

it("bounds what waits for a group: the oldest go, and are counted", async () => {
  const here = await deployment(1, { queueLengthMax: 5, queueStoreQos0: false });
  const member = await here.connect("member");
  await member.subscribe("$share/g/t");
  member.close();
  await member.closed;
  const publisher = await here.connect("publisher");
  await publishAll(publisher, "t", numbers(8));
  publisher.send({ cmd: "publish", topic: "t", payload: "at most once", qos: 0, retain: false, dup: false });
  await flushed(publisher, "elsewhere");
  const stats = await here.topicShard(0).stats();
  expect(stats.ok && stats.value.dropped).toBe(4);
  const back = await here.connect("member");
  const got = await Promise.all(numbers(5).map(() => back.message()));
  expect(got.map(text)).toEqual(numbers(5, 3));
});

it("[MQTT-3.3.2-5] what expires while it waits for a group is not delivered, and is counted", async () => {
  const here = await deployment(1);
  const member = await here.connect("member");
  await member.subscribe("$share/g/t");
  member.close();
  await member.closed;
  const publisher = await here.connect("publisher");
  const properties = { messageExpiryInterval: 1 };
  publisher.send({
    cmd: "publish",
    topic: "t",
    payload: "old",
    qos: 1,
    retain: false,
    dup: false,
    messageId: 1,
    properties,
  });
  await publisher.take("puback");
  await publisher.publish("t", "lasting");
  await runInDurableObject(here.topicShard(0) as never, (_instance, { storage }) =>
    expect
      .poll(
        () => storage.sql.exec("SELECT 1 FROM group_message WHERE expires_at BETWEEN 1 AND ?", Date.now()).toArray(),
        { timeout: 5_000 },
      )
      .toHaveLength(1),
  );
  const back = await here.connect("member");
  expect(text(await back.message())).toBe("lasting");
  const stats = await here.topicShard(0).stats();
  expect(stats.ok && stats.value.dropped).toBe(1);
});
