// Topic names and filters, section 4.7.

import { expect } from "vitest";
import { it } from "../harness/it.ts";
import type { RawClient } from "../harness/raw-client.ts";
import { subscribe } from "../harness/packets.ts";

it.for(["a#", "a/b#", "#/a", "a/#/b", "##"])("[MQTT-4.7.1-1] the filter %s is refused", async (filter, { broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: broker.topic(filter) }]));
  await expectRefused(client);
});

it.for(["a+", "+a", "a/+b/c", "++"])("[MQTT-4.7.1-2] the filter %s is refused", async (filter, { broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: broker.topic(filter) }]));
  await expectRefused(client);
});

it.for([
  ["#", ["a", "a/b", "a/b/c", "/", "a/"], []],
  ["a/#", ["a", "a/", "a/b", "a/b/c"], ["b", "ab"]],
  ["a/+", ["a/b", "a/"], ["a", "a/b/c"]],
  ["+", ["a", ""], ["a/b", "/"]],
  ["+/+", ["a/b", "/", "/a"], ["a", "a/b/c"]],
  ["/+", ["/a", "/"], ["a", "a/b"]],
  ["a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/b/c"]],
  ["+/b/#", ["a/b", "a/b/c/d", "/b"], ["b", "a/c"]],
  ["a//b", ["a//b"], ["a/b"]],
] as const)(
  "[MQTT-4.7.1-2] [MQTT-4.7.1-1] %s matches %j and not %j",
  async ([filter, matching, others], { broker }) => {
    const client = await broker.connect(5);
    await client.subscribe([{ filter: broker.topic(filter) }]);
    const publisher = await broker.connect(5);
    for (const rest of others) await publisher.publishSafely({ topic: broker.topic(rest) });
    for (const rest of matching) {
      await publisher.publishSafely({ topic: broker.topic(rest) });
      expect((await client.message()).topic).toBe(broker.topic(rest));
    }
  },
);

it.for(["#", "+/conformance/#"])(
  "[MQTT-4.7.2-1] %s does not match a topic that begins with $",
  async (filter, { broker }) => {
    const name = broker.clientId();
    const [topic, marker] = [`$${name}/conformance/${name}`, `${name}/conformance/${name}`];
    const client = await broker.connect(5);
    const publisher = await broker.connect(5);
    await client.subscribe([{ filter: filter === "#" ? "#" : `+/conformance/${name}` }]);
    publisher.publish({ topic, qos: 0, payload: "hidden" });
    publisher.publish({ topic: marker, qos: 0, payload: "marker" });
    // A server may refuse the topic; on a shared one, others publish what # matches.
    for (;;) {
      const message = await client.next("publish");
      expect(message.topic.startsWith("$")).toBe(false);
      if (message.topic === marker) break;
    }
  },
);

it("[MQTT-4.7.3-1] an empty filter is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: "" }]));
  await expectRefused(client);
});

it("[MQTT-4.7.3-2] a null in a topic is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.publish({ topic: "a\0b" });
  await client.ended(0x81, 0x90);
});

it("[MQTT-4.7.3-2] a null in a filter is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: "a/\0" }]));
  await client.ended(0x81, 0x8f);
});

it("[MQTT-4.7.3-3] the longest topic there can be is delivered, or refused with its reason", async ({ broker }) => {
  const client = await broker.connect(5);
  const topic = broker.topic().padEnd(65_535, "x");
  client.send(subscribe(5, 1, [{ filter: topic }]));
  const { granted } = await client.next("suback");
  if (granted[0] === 0) {
    client.publish({ topic });
    expect((await client.message()).topic).toBe(topic);
  } else {
    expect([0x8f, 0x97, 0x80, 0x83]).toContain(granted[0]);
    client.publish({ topic });
    await client.ended(0x90, 0x97);
  }
});

it.for([
  ["composed and decomposed letters", "\u00C5", "A\u030A"],
  ["upper and lower case", "Topic", "topic"],
  ["a space", "a b", "a%20b"],
  ["a trailing separator", "a/", "a"],
] as const)("[MQTT-4.7.3-4] %s are not taken for each other", async ([, one, other], { broker }) => {
  const client = await broker.connect(5);
  await client.subscribe([{ filter: broker.topic(one) }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic: broker.topic(other) });
  await publisher.publishSafely({ topic: broker.topic(one) });
  expect((await client.message()).topic).toBe(broker.topic(one));
});

/** SUBACK says no to the one filter, or the connection ends. */
async function expectRefused(client: RawClient): Promise<void> {
  const codes = await client.pick("suback").then(
    ({ granted }) => granted,
    async () => [(await client.next("disconnect")).reasonCode ?? 0],
  );
  expect([[0x8f], [0x81], [0x82]]).toContainEqual(codes);
}
