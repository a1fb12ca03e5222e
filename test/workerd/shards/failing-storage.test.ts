// Shards that cannot write for a while: nothing is acknowledged that is not safe, nothing that was taken is lost or comes
// twice, and all goes on when writing works again.

import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { log } from "../../../src/platform/log.ts";
import { TestDeployment, text } from "./link-client.ts";

const errors = vi.fn();

beforeEach(() => {
  vi.spyOn(log, "error").mockImplementation(errors);
});
afterEach(() => {
  vi.restoreAllMocks();
  errors.mockClear();
});

/** From here on nothing goes into the table, as on a full disk. Returns what ends that. */
async function full(shard: () => unknown, table: string): Promise<() => Promise<void>> {
  const run = (sql: string) =>
    runInDurableObject(shard() as never, (_instance, { storage }) => {
      storage.sql.exec(sql);
    });
  await run(`CREATE TRIGGER full BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'a test: SQLITE_FULL'); END`);
  return async () => {
    await vi.waitFor(() => expect(errors).toHaveBeenCalled()); // It has met it.
    await vi.waitFor(() => run("DROP TRIGGER full"), { timeout: 5_000 }); // It may be dying just now.
  };
}

it("[MQTT-4.3.2-4] a message is acknowledged when it can be written, and was not before", async () => {
  const here = await TestDeployment.create("storagefails1x", 1);
  const subscriber = await here.connect("subscriber");
  await subscriber.subscribe("t");
  const publisher = await here.connect("publisher");
  const mended = await full(() => here.sessionShard(0), "message_log");
  publisher.send({ cmd: "publish", topic: "t", payload: "kept", qos: 1, retain: false, dup: false, messageId: 1 });
  expect(text(await subscriber.message(false))).toBe("kept");
  await Promise.all([publisher.closed, subscriber.closed]);
  expect(publisher.log.some(({ cmd }) => cmd === "puback")).toBe(false);
  await mended();
  expect(await (await here.connect("publisher")).publish("t", "kept")).toBe(0);
  await here.crash("session");
  expect(text(await (await here.connect("subscriber")).message())).toBe("kept");
});

for (const connected of [true, false]) {
  it(`[MQTT-4.3.3-12] QoS 2 that could not be written for its subscriber comes once, connected: ${connected}`, async () => {
    const here = await TestDeployment.create(`storagefails2${connected}x`, 1);
    const subscriber = await here.connect("subscriber");
    await subscriber.subscribe("t", { qos: 2 });
    if (!connected) subscriber.close();
    const publisher = await here.connect("publisher");
    const mended = await full(() => here.sessionShard(0), "message_log");
    for (const [i, payload] of ["one", "two"].entries())
      await publisher.publishOnce("t", payload, { messageId: i + 1 });
    await publisher.closed;
    await mended();
    const again = await here.connect("subscriber");
    for (const payload of ["one", "two"]) expect(text(await again.messageOnce())).toBe(payload);
    await (await here.connect("publisher")).publishOnce("t", "last", { messageId: 3 });
    expect(text(await again.messageOnce())).toBe("last");
  });
}

it("[MQTT-4.3.3-8] QoS 2 that could not be taken gets no PUBREC, and comes once when it is sent again", async () => {
  const here = await TestDeployment.create("storagefails3x", 1);
  const subscriber = await here.connect("subscriber");
  await subscriber.subscribe("t", { qos: 2 });
  const publisher = await here.connect("publisher");
  const mended = await full(() => here.sessionShard(0), "outbox");
  publisher.send({ cmd: "publish", topic: "t", payload: "once", qos: 2, retain: false, dup: false, messageId: 1 });
  await publisher.closed;
  expect(publisher.log.some(({ cmd }) => cmd === "pubrec")).toBe(false);
  await mended();
  const back = await here.connect("publisher");
  expect(back.awaitingRelease).toEqual([]);
  const again = await here.connect("subscriber");
  expect(await back.publishOnce("t", "once", { dup: true })).toBe(0);
  expect(await back.release()).toBe(0);
  expect(await back.publishOnce("t", "last", { messageId: 2 })).toBe(0);
  for (const payload of ["once", "last"]) expect(text(await again.messageOnce())).toBe(payload);
});

it("[MQTT-4.3.3-12] QoS 2 of a share that its topic shard could not write comes once", async () => {
  const here = await TestDeployment.create("storagefails4x", 1);
  const member = await here.connect("member");
  await member.subscribe("$share/g/t", { qos: 2 });
  const publisher = await here.connect("publisher");
  const mended = await full(() => here.topicShard(0), "outbox");
  for (const [i, payload] of ["one", "two"].entries()) await publisher.publishOnce("t", payload, { messageId: i + 1 });
  await mended();
  for (const payload of ["one", "two"]) expect(text(await member.messageOnce())).toBe(payload);
  await publisher.publishOnce("t", "last", { messageId: 3 });
  expect(text(await member.messageOnce())).toBe("last");
});

it("a client whose socket takes nothing more is ended, and nobody else notices", async () => {
  const here = await TestDeployment.create("storagefails9x", 1);
  const one = await here.connect("one", { sessionExpiryInterval: 0 });
  await runInDurableObject(here.sessionShard(0) as never, (_instance, context) => {
    for (const socket of context.getWebSockets("cone")) {
      socket.serializeAttachment = (attachment) => {
        if (attachment !== null) throw new Error("a test: too large");
      };
    }
  });
  const other = await here.connect("other");
  one.send({ cmd: "publish", topic: "t", payload: "x", qos: 2, retain: false, dup: false, messageId: 1 });
  await one.closed;
  expect(await other.publish("t", "x")).toBe(reasonCodes.noMatchingSubscribers);
  expect(await (await here.connect("one")).publish("t", "x")).toBe(reasonCodes.noMatchingSubscribers);
});
