// SUBSCRIBE and SUBACK, sections 3.8 and 3.9.

import { describe, expect } from "vitest";
import { field, hex, packet, properties, property, u16, u8, varint } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { subscribe } from "../harness/packets.ts";

it("[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBACK has the packet id of its SUBSCRIBE", async ({ broker }) => {
  const client = await broker.connect(5);
  for (const packetId of [7, 65_535]) {
    client.send(subscribe(5, packetId, [{ filter: broker.topic() }]));
    expect((await client.next("suback")).messageId).toBe(packetId);
  }
});

it("[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] one SUBACK has a reason code a filter, in their order", async ({
  broker,
}) => {
  const client = await broker.connect(5);
  const asked = [2, 0, 1, 1, 0, 2];
  expect(await client.subscribe(asked.map((qos, index) => ({ filter: broker.topic(`${index}`), qos })))).toEqual(asked);
});

it("[MQTT-3.9.3-2] a filter that is granted has its QoS as reason code", async ({ broker }) => {
  const client = await broker.connect(5);
  for (const qos of [0, 1, 2]) expect(await client.subscribe([{ filter: broker.topic(), qos }])).toEqual([qos]);
});

it("[MQTT-3.2.2-10] every QoS may be asked for", async ({ broker }) => {
  const client = await broker.connect(5);
  const codes = await client.subscribe([0, 1, 2].map((qos) => ({ filter: broker.topic(`${qos}`), qos })));
  expect(codes.every((code) => code < 0x80)).toBe(true);
});

it.for([0x80, 0x81, 0x83, 0x86, 0x8a])(
  "[MQTT-3.8.1-1] SUBSCRIBE with the first byte %i is malformed",
  async (first, { broker }) => {
    const client = await broker.connect(5);
    client.send(u8(first), subscribe(5, 1, [{ filter: broker.topic() }]).subarray(1));
    await client.ended(0x81);
  },
);

it("[MQTT-2.2.1-3] SUBSCRIBE with packet id 0 is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 0, [{ filter: broker.topic() }]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.8.3-1] a filter of ill-formed UTF-8 is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: hex("c0af") }]));
  await client.ended(0x81);
});

it("[MQTT-3.8.3-2] SUBSCRIBE without a filter is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, []));
  await client.ended(0x82);
});

it("[MQTT-3.8.3-2] a filter without options is malformed", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(packet(0x82, u16(1), properties([]), field(broker.topic())));
  await client.ended(0x81);
});

it("[MQTT-3.8.3-3] No Local keeps a client's own messages from it, and no others", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, noLocal: true }]);
  await client.publishSafely({ topic, payload: "own" });
  const other = await broker.connect(5);
  await other.publishSafely({ topic, payload: "another's" });
  expect(String((await client.message()).payload)).toBe("another's");
});

it.for([
  ["reserved bit 6", 0x40],
  ["reserved bit 7", 0x80],
] as const)("[MQTT-3.8.3-5] subscription options with %s are malformed", async ([, options], { broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: broker.topic(), options }]));
  await client.ended(0x81);
});

it("[MQTT-4.13.1-1] a subscription of QoS 3 is refused", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: broker.topic(), options: 3 }]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-4.13.1-1] Retain Handling 3 is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(subscribe(5, 1, [{ filter: broker.topic(), retainHandling: 3 }]));
  await client.ended(0x81, 0x82);
});

it("[MQTT-3.8.4-3] a filter that is there already is replaced", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  await client.subscribe([{ filter: topic, qos: 0 }]);
  const publisher = await broker.connect(5);
  await publisher.publishSafely({ topic, payload: "once" });
  await publisher.publishSafely({ topic, payload: "marker" });
  const message = await client.message();
  expect([String(message.payload), message.qos]).toEqual(["once", 0]);
  expect(String((await client.message()).payload)).toBe("marker");
});

it("[MQTT-3.8.4-4] no message is lost where a subscription is replaced", async ({ broker }) => {
  const topic = broker.topic();
  const client = await broker.connect(5);
  await client.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(5);
  const sent = Array.from({ length: 60 }, (_, index) => String(index));
  for (const [index, payload] of sent.entries()) {
    publisher.publish({ topic, qos: 1, packetId: index + 1, payload });
    if (index % 10 === 5) client.send(subscribe(5, 1_000 + index, [{ filter: topic, qos: 1 }]));
  }
  const received = [];
  while (received.length < sent.length) {
    const { payload, messageId = 0 } = await client.pick("publish");
    received.push(String(payload));
    client.send(packet(0x40, u16(messageId)));
  }
  expect(received).toEqual(sent);
});

it("[MQTT-3.8.4-8] a message has the lower of its QoS and the subscription's", async ({ broker }) => {
  const publisher = await broker.connect(5);
  for (const asked of [0, 1, 2]) {
    const topic = broker.topic(`${asked}`);
    const client = await broker.connect(5);
    await client.subscribe([{ filter: topic, qos: asked }]);
    publisher.publish({ topic });
    await publisher.publishSafely({ topic });
    expect((await client.message()).qos).toBe(0);
    expect((await client.message()).qos).toBe(Math.min(asked, 1));
  }
});

describe("subscription identifiers", () => {
  it("[MQTT-3.3.4-3] a message carries the identifier of its subscription, until it is replaced", async ({
    broker,
  }) => {
    const topic = broker.topic();
    const client = await broker.connect(5);
    for (const id of [1, 128, 268_435_455]) {
      await client.subscribe([{ filter: topic }], [property.subscriptionIdentifier(id)]);
      client.publish({ topic });
      expect((await client.message()).properties?.subscriptionIdentifier).toBe(id);
    }
    await client.subscribe([{ filter: topic }]);
    client.publish({ topic });
    expect((await client.message()).properties?.subscriptionIdentifier).toBeUndefined();
  });

  it("[MQTT-3.3.4-2] [MQTT-3.3.4-4] [MQTT-3.3.4-5] overlapping subscriptions: their highest QoS, all their identifiers", async ({
    broker,
  }) => {
    const topic = broker.topic("a/b");
    const client = await broker.connect(5);
    await client.subscribe([{ filter: broker.topic("a/+"), qos: 1 }], [property.subscriptionIdentifier(3)]);
    await client.subscribe([{ filter: broker.topic("#"), qos: 0 }], [property.subscriptionIdentifier(200)]);
    const publisher = await broker.connect(5);
    await publisher.publishSafely({ topic, payload: "overlap" });
    await publisher.publishSafely({ topic, payload: "marker" });
    const copies = [];
    for (;;) {
      const message = await client.message();
      if (String(message.payload) === "marker") break;
      copies.push(message);
    }
    // One copy with both identifiers, or one for each subscription.
    const ids = copies.flatMap(({ properties: list }) => list?.subscriptionIdentifier);
    expect(ids.sort()).toEqual([200, 3]);
    expect(Math.max(...copies.map(({ qos }) => qos))).toBe(1);
  });

  it.for([
    ["0", [property.subscriptionIdentifier(0)]],
    ["given twice", [property.subscriptionIdentifier(1), property.subscriptionIdentifier(2)]],
  ] as const)("[MQTT-4.13.1-1] a subscription identifier %s is a protocol error", async ([, list], { broker }) => {
    const client = await broker.connect(5);
    client.send(subscribe(5, 1, [{ filter: broker.topic() }], list));
    await client.ended(0x82);
  });

  it("[MQTT-1.5.5-1] a subscription identifier of more bytes than it takes is malformed", async ({ broker }) => {
    const client = await broker.connect(5);
    client.send(packet(0x82, u16(1), varint(3), hex("0b8100"), field(broker.topic()), u8(0)));
    await client.ended(0x81);
  });
});
