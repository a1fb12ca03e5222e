// Exclusive subscriptions: `$exclusive/{filter}` is one session's alone, over all shards, as long as it has it.

import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import type { LinkClient } from "./link-client.ts";
import { config, TestDeployment, text } from "./link-client.ts";

const HELD = 0x97;
const FAILED = 0x83;

let made = 0;
function deployment(shards: number): Promise<TestDeployment> {
  made += 1;
  return TestDeployment.create(`claims${made}x`, shards);
}

async function unsubscribe(client: LinkClient, topic: string): Promise<number[]> {
  client.send({ cmd: "unsubscribe", messageId: 20, unsubscriptions: [topic] });
  return (await client.take("unsuback")).granted as number[];
}

/** Asks until the filter is free: what frees it may be on its way to the topic shard. */
async function subscribeOnceFree(client: LinkClient, filter: string): Promise<void> {
  for (;;) {
    const [code] = await client.subscribe(filter);
    if (code === 1) return;
    expect(code).toBe(HELD);
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([1, 4])("with %i shards of each kind", (shards) => {
  it.each(["$exclusive/a/b", "$exclusive/a/b/#", "$exclusive/+/b"])("%s is had by one", async (filter) => {
    const here = await deployment(shards);
    const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => here.connect(`c${i}`)));
    const codes = (await Promise.all(clients.map((client) => client.subscribe(filter)))).map(([code]) => code);
    expect(codes.filter((code) => code === 1)).toHaveLength(1);
    expect(codes.filter((code) => code === HELD)).toHaveLength(7);

    // Its messages come to it, and to who has the filter plainly; and not to who was refused.
    const plain = await here.connect("plain");
    await plain.subscribe("a/b");
    const publisher = await here.connect("publisher");
    expect(await publisher.publish("a/b", "x")).toBe(0);
    const holder = clients[codes.indexOf(1)];
    if (holder === undefined) throw new Error("nobody has it");
    expect(text(await holder.message())).toBe("x");
    expect(text(await plain.message())).toBe("x");
    for (const client of clients) await client.subscribe("marker");
    await publisher.publish("marker", "end");
    for (const client of clients) expect(text(await client.message())).toBe("end");

    expect(await unsubscribe(holder, filter)).toEqual([0]);
    const next = clients.find((client) => client !== holder);
    if (next === undefined) throw new Error("there is no other");
    await subscribeOnceFree(next, filter);
    expect(await holder.subscribe(filter)).toEqual([HELD]);
    await publisher.publish("a/b", "y");
    expect(text(await next.message())).toBe("y");
  });

  it("is had as long as the session lives, over evictions and crashes", async () => {
    const here = await deployment(shards);
    const holder = await here.connect("holder");
    expect(await holder.subscribe("$exclusive/t")).toEqual([1]);
    const other = await here.connect("other");
    holder.close();
    await holder.closed;
    expect(await other.subscribe("$exclusive/t")).toEqual([HELD]);
    await here.evict();
    expect(await other.subscribe("$exclusive/t")).toEqual([HELD]);
    await here.crash("topic");
    expect(await other.subscribe("$exclusive/t")).toEqual([HELD]);
    await here.crash("session");
    const otherAgain = await here.connect("other");
    expect(await otherAgain.subscribe("$exclusive/t")).toEqual([HELD]);

    const again = await here.connect("holder");
    expect(again.sessionPresent).toBe(true);
    expect(await again.subscribe("$exclusive/t")).toEqual([1]); // Its own: granted once more.

    await here.connect("holder", { cleanStart: true }); // A new session has nothing.
    await subscribeOnceFree(otherAgain, "$exclusive/t");
  });

  it("is free when a session ends with its connection", async () => {
    const here = await deployment(shards);
    const holder = await here.connect("holder", { sessionExpiryInterval: 0 });
    expect(await holder.subscribe("$exclusive/t")).toEqual([1]);
    holder.close();
    await holder.closed;
    await subscribeOnceFree(await here.connect("other"), "$exclusive/t");
  });

  it("is one subscription with the plain filter of its session, which gives it up", async () => {
    const here = await deployment(shards);
    const holder = await here.connect("holder");
    expect(await holder.subscribe("$exclusive/t")).toEqual([1]);
    const [listed] = await subscriptionsOf(here, "holder");
    expect(listed?.topic).toBe("$exclusive/t");
    expect(await holder.subscribe("t")).toEqual([1]);
    expect(await subscriptionsOf(here, "holder")).toMatchObject([{ topic: "t" }]);
    const other = await here.connect("other");
    await subscribeOnceFree(other, "$exclusive/t");
    expect(await holder.publish("t", "both")).toBe(0);
    expect(text(await holder.message())).toBe("both");
    expect(text(await other.message())).toBe("both");
    expect(await unsubscribe(other, "$exclusive/t")).toEqual([0]);
    expect(await unsubscribe(other, "$exclusive/t")).toEqual([0x11]);
  });

  it("is given up by an UNSUBSCRIBE right behind its SUBSCRIBE", async () => {
    const here = await deployment(shards);
    const hasty = await here.connect("hasty");
    hasty.send(
      { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "$exclusive/t", qos: 1 }] },
      { cmd: "unsubscribe", messageId: 2, unsubscriptions: ["$exclusive/t"] },
    );
    expect((await hasty.take("suback")).granted).toEqual([1]);
    expect((await hasty.take("unsuback")).granted).toEqual([0]);
    await subscribeOnceFree(await here.connect("other"), "$exclusive/t");
    expect(await subscriptionsOf(here, "hasty")).toEqual([]);
  });

  it("[MQTT-3.10.4-2] is given up by an UNSUBSCRIBE right behind two SUBSCRIBEs, for another one to have", async () => {
    const here = await deployment(shards);
    const [hasty, other, publisher] = [
      await here.connect("hasty"),
      await here.connect("other"),
      await here.connect("publisher"),
    ];
    hasty.send(
      { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "$exclusive/t", qos: 1 }] },
      { cmd: "subscribe", messageId: 2, subscriptions: [{ topic: "$exclusive/t", qos: 2 }] },
      { cmd: "unsubscribe", messageId: 3, unsubscriptions: ["$exclusive/t"] },
    );
    await subscribeOnceFree(other, "$exclusive/t");
    const subacks = [await hasty.take("suback"), await hasty.take("suback")];
    expect(subacks.map(({ messageId, granted }) => [messageId, granted]).sort()).toEqual([
      [1, [1]],
      [2, [2]],
    ]);
    expect((await hasty.take("unsuback")).granted).toEqual([0]);
    await publisher.publish("t", "x");
    expect(text(await other.message())).toBe("x");
    await hasty.subscribe("marker");
    await publisher.publish("marker", "end");
    expect(text(await hasty.message())).toBe("end");
    expect(await hasty.subscribe("$exclusive/t")).toEqual([HELD]);
  });
});

it("[MQTT-3.8.4-3] is another's to have once a plain SUBSCRIBE follows, though it was still being asked for", async () => {
  const here = await deployment(1);
  const client = await here.connect("c");
  for (const [i, topic] of ["$exclusive/t", "t"].entries()) {
    const subscription = { topic, qos: 1, rh: 0, nl: false, rap: false } as const;
    client.send({ cmd: "subscribe", messageId: i + 1, subscriptions: [subscription] });
  }
  for (let i = 0; i < 2; i++) expect((await client.take("suback")).granted).toEqual([1]);
  const other = await here.connect("other");
  await subscribeOnceFree(other, "$exclusive/t");
  await (await here.connect("publisher")).publish("t", "x");
  for (const each of [client, other]) expect(text(await each.message())).toBe("x");
});

it(
  "[MQTT-3.8.4-7] is had by one, though a SUBSCRIBE before the one that got it has timed out",
  { timeout: 40_000 },
  async () => {
    vi.spyOn(Math, "random").mockReturnValue(0); // What fails is tried again after 12.8 s, between the two time-outs.
    const here = new TestDeployment("claimslate1x", 2);
    for (const i of [0, 1]) await here.sessionShard(i).configure(here.id, i, config(2));
    const [patient, other] = [await here.connect(clientIdOn(here, 0)), await here.connect(clientIdOn(here, 1))];
    const first = patient.subscribe("$exclusive/t");
    await scheduler.wait(limits.subscribeTimeoutMs * 0.8); // So that the next one waits longer.
    const second = patient.subscribe("$exclusive/t");
    expect(await first).toEqual([FAILED]);
    for (const i of [0, 1]) await here.topicShard(i).configure(here.id, i, config(2));
    expect(await second).toEqual([1]);
    expect(await other.subscribe("$exclusive/t")).toEqual([HELD]);
  },
);

it.each(["$exclusive/", "$exclusive/$share/g/t", "$share/g/$exclusive/t", "$exclusive/$exclusive/t"])(
  "%s is no filter",
  async (filter) => {
    const client = await (await deployment(1)).connect("c");
    expect(await client.subscribe(filter)).toEqual([0x8f]);
  },
);

async function subscriptionsOf(here: TestDeployment, clientId: string) {
  const found = await here.sessionShardOf(clientId).listSubscriptions(clientId);
  if (!found.ok || found.value === null) throw new Error("there is no such client");
  return found.value;
}

/** A client id whose session is in this shard. */
function clientIdOn(here: TestDeployment, shard: number): string {
  const map = SlotMap.even(here.shards);
  for (let i = 0; ; i++) {
    if (map.shardOf(slotOfClientId(`c${i}`)) === shard) return `c${i}`;
  }
}
