// What a session shard that died no longer knows, and how little it makes of that: which stored messages were sent, and
// which acknowledged ones were not removed yet.

import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import { inStorage } from "../deployment/deployment-client.ts";
import { config, TestDeployment, text } from "./link-client.ts";
import { storedQueues } from "./stored-queues.ts";

const settings = { ...defaultBrokerSettings, inflightMax: 1, queueLengthMax: 3 };
/** Sent at a time, and acknowledged without having been removed. */
const MAYBE_SENT = 1 + 64;

function queued(here: TestDeployment): Promise<number> {
  return inStorage(here.sessionShard(0), (sql) => storedQueues(sql).entries);
}

/** Does what the shard does by itself 10 s after it woke without the links that it had. */
async function sweep(shard: unknown): Promise<void> {
  await inStorage(shard, (sql) => sql.exec("UPDATE deadline SET at = 1 WHERE kind = 'sweep'").toArray());
  await runDurableObjectAlarm(shard as never);
}

describe("after a crash", () => {
  it("a queue is as long as it may be, however often its shard dies", async () => {
    const here = await TestDeployment.create("crashmemory1x", 1, { settings });
    const publisher = async (round: number) => {
      const client = await here.connect("publisher");
      for (let i = 0; i < 20; i++) await client.publish("t", `${round} ${i}`);
    };
    for (let round = 0; round < 6; round++) {
      const subscriber = await here.connect("subscriber");
      if (round === 0) await subscriber.subscribe("t");
      await publisher(round);
      await here.crash("session");
    }
    expect(await queued(here)).toBeLessThanOrEqual(MAYBE_SENT + settings.queueLengthMax);
  });

  it("[MQTT-4.8.2-4] what of a share was not sent goes to another member, at QoS 2 too", async () => {
    const here = await TestDeployment.create("crashmemory2x", 1, {
      settings: { ...settings, queueLengthMax: 1_000, sharedStrategy: "sticky" },
    });
    const first = await here.connect("first");
    await first.subscribe("$share/g/t", { qos: 2 });
    const publisher = await here.connect("publisher");
    const payloads = Array.from({ length: 5 }, (_, i) => String(i));
    for (const [i, payload] of payloads.entries()) await publisher.publishOnce("t", payload, { messageId: i + 1 });
    await first.take("publish");
    await expect.poll(() => queued(here)).toBe(payloads.length);
    await here.crash("session");
    const second = await here.connect("second");
    await second.subscribe("$share/g/t", { qos: 2 });
    await sweep(here.sessionShard(0)); // It is seen that the first member is not there any more.
    for (const payload of payloads.slice(1)) expect(text(await second.messageOnce())).toBe(payload);
  });

  it("[MQTT-4.1.0-2] a session that ends with its connection is gone soon, though nobody asks for it", async () => {
    const here = await TestDeployment.create("crashmemory4x", 1);
    const lost = await here.connect("lost", { sessionExpiryInterval: 0 });
    await lost.subscribe("t");
    await here.crash("session");
    await here.connect("other"); // It wakes the shard.
    const shard = here.sessionShard(0);
    const one = (query: string) => inStorage(shard, (sql) => sql.exec<{ n: number }>(query).one().n);
    const sweepAt = "SELECT at AS n FROM deadline WHERE kind = 'sweep'";
    expect(await one(sweepAt)).toBeLessThanOrEqual(Date.now() + 10_000);
    await sweep(shard);
    expect(await one("SELECT count(*) AS n FROM subscription")).toBe(0);
    expect(await one(sweepAt)).toBeGreaterThan(Date.now() + 60_000);
  });

  it("a queued message of QoS 0 that was sent does not come again", async () => {
    const here = await TestDeployment.create("crashmemory3x", 1);
    const first = await here.connect("subscriber");
    await first.subscribe("t", { qos: 0 });
    first.close();
    const publisher = await here.connect("publisher");
    expect(await publisher.publish("t", "once")).toBe(0);
    await here.evict(); // Nothing is on its way between the shards any more.
    const back = await here.connect("subscriber");
    expect(text(await back.message())).toBe("once");
    await here.crash("session");
    const again = await here.connect("subscriber");
    await (await here.connect("publisher")).publish("t", "marker");
    expect(text(await again.message())).toBe("marker");
  });
});

it("a wider window is in force for connected clients at once", async () => {
  const here = await TestDeployment.create("widerwindowx", 1, { settings: { ...settings, queueLengthMax: 1_000 } });
  const subscriber = await here.connect("subscriber");
  await subscriber.subscribe("t");
  const publisher = await here.connect("publisher");
  for (let i = 0; i < 3; i++) await publisher.publish("t", String(i));
  expect(text(await subscriber.message(false))).toBe("0");
  await here.configure(config(1, { version: 2, settings: { ...settings, inflightMax: 3 } }));
  for (const payload of ["1", "2"]) expect(text(await subscriber.message(false))).toBe(payload);
});
