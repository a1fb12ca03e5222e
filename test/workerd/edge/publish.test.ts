// PUBLISH and its neighbours at the real endpoint: what passes, what is refused, and what the refusal says.

import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { config } from "../shards/link-client.ts";
import type { ProtocolVersion } from "./device.ts";
import { Device, served } from "./device.ts";

const versions: readonly ProtocolVersion[] = [3, 4, 5];

describe.each([1, 4])("%i shard(s) of each kind", (shards) => {
  it.each(versions)("carries QoS 0 and 1 between clients, version %i to every version", async (version) => {
    const deployment = await served(shards);
    const publisher = await Device.connect(deployment, "p", { version });
    const readers = await Promise.all(
      versions.map((each) => Device.connect(deployment, `r${each}`, { version: each })),
    );
    for (const reader of readers) expect(await reader.subscribe("a/+/c", { topic: "q0", qos: 0 })).toEqual([1, 0]);
    expect(await publisher.publish("a/b/c", "one")).toBe(0);
    publisher.send({ cmd: "publish", topic: "q0", payload: "two", qos: 0, retain: false, dup: false });
    for (const reader of readers) {
      expect(await reader.message()).toMatchObject({ topic: "a/b/c", qos: 1, retain: false, dup: false });
      expect((await reader.message()).payload.toString()).toBe("two");
    }
  });

  it("[MQTT-4.6.0-2] five hundred packets in one frame come whole and in order", async () => {
    const deployment = await served(shards);
    const [publisher, reader] = [await Device.connect(deployment, "p"), await Device.connect(deployment, "r")];
    await reader.subscribe("a");
    const base = { cmd: "publish", topic: "a", retain: false, dup: false } as const;
    const packets = Array.from({ length: 500 }, (_, i) =>
      i % 2 === 0
        ? { ...base, payload: `${i}`, qos: 0 as const }
        : { ...base, payload: `${i}`, qos: 1 as const, messageId: i },
    );
    publisher.send(...packets);
    const acknowledged: unknown[] = [];
    for (let i = 0; i < 250; i++) acknowledged.push((await publisher.take("puback")).messageId);
    expect(acknowledged).toEqual(Array.from({ length: 250 }, (_, i) => 2 * i + 1));
    const seen: string[] = [];
    for (let i = 0; i < 500; i++) seen.push((await reader.message()).payload.toString());
    // Order is promised for each QoS.
    for (const odd of [0, 1]) {
      const expected = packets.map(({ payload }) => payload).filter((payload) => Number(payload) % 2 === odd);
      expect(seen.filter((payload) => Number(payload) % 2 === odd)).toEqual(expected);
    }
  });

  it("a message as large as the plan allows travels both ways", async () => {
    const deployment = await served(shards);
    const [publisher, reader] = [await Device.connect(deployment, "p"), await Device.connect(deployment, "r")];
    await reader.subscribe("big");
    const payload = Buffer.from(Uint8Array.from({ length: 1_048_576 }, (_, i) => i * 7));
    expect(await publisher.publish("big", payload)).toBe(0);
    const { payload: arrived } = await reader.message();
    expect(Buffer.compare(Buffer.from(arrived), payload)).toBe(0);
  });

  it("[MQTT-3.4.2-1] PUBACK says whether anybody subscribed", async () => {
    const device = await Device.connect(await served(shards), "c");
    expect(await device.publish("a", "x")).toBe(reasonCodes.noMatchingSubscribers);
    await device.subscribe("a");
    expect(await device.publish("a", "x")).toBe(reasonCodes.success);
  });
});

describe("what ends a connection", () => {
  const tooLarge = { ...config(1).limits, messageBytesMax: 1_000 };
  const publish = {
    cmd: "publish",
    topic: "a",
    payload: "x",
    qos: 1,
    retain: false,
    dup: false,
    messageId: 1,
  } as const;

  it.each([
    ["a payload over the plan", { ...publish, payload: "x".repeat(1_001) }, reasonCodes.packetTooLarge],
    ["[MQTT-3.3.2-2] a wildcard in a topic", { ...publish, topic: "a/+" }, reasonCodes.malformedPacket],
    ["a topic of too many levels", { ...publish, topic: "/".repeat(128) }, reasonCodes.topicNameInvalid],
    ["a topic that is too long", { ...publish, topic: "x".repeat(4_097) }, reasonCodes.topicNameInvalid],
    [
      "a payload that is not the UTF-8 it is said to be",
      { ...publish, payload: Buffer.of(0xc3, 0x28), properties: { payloadFormatIndicator: true } },
      reasonCodes.payloadFormatInvalid,
    ],
    ["[MQTT-3.3.2-8] topic alias 0", { ...publish, properties: { topicAlias: 0 } }, reasonCodes.topicAliasInvalid],
    [
      "[MQTT-3.3.2-9] a topic alias above the maximum",
      { ...publish, properties: { topicAlias: 4_096 } },
      reasonCodes.topicAliasInvalid,
    ],
    [
      "a topic alias that stands for nothing",
      { ...publish, topic: "", properties: { topicAlias: 1 } },
      reasonCodes.protocolError,
    ],
    ["[MQTT-4.12.0-7] AUTH", { cmd: "auth", reasonCode: 0x19, properties: { authenticationMethod: "x" } }, 0x82],
    ["a packet that only a server sends", { cmd: "connack", reasonCode: 0, sessionPresent: false }, 0x82],
    ["[MQTT-3.8.3-2] SUBSCRIBE without a filter", [0x82, 3, 0, 1, 0], 0x82],
    ["[MQTT-2.1.3-1] reserved flags", [0xc1, 0], 0x81],
    ["[MQTT-1.5.5-1] a length of five bytes", [0x30, 0xff, 0xff, 0xff, 0xff, 1], 0x81],
    ["packet type 0", [0, 0], 0x82],
  ])("%s", async (_what, packet, reasonCode) => {
    const deployment = await served(1, { limits: tooLarge });
    const [device, other] = [await Device.connect(deployment, "c"), await Device.connect(deployment, "other")];
    if (Array.isArray(packet)) device.bytes(packet);
    else device.send(packet as never);
    expect(await device.ended()).toBe(reasonCode);
    await other.ping();
    const old = await Device.connect(deployment, "old", { version: 4 });
    if (!Array.isArray(packet)) return;
    old.bytes(packet);
    expect(await old.ended()).toBeNull();
  });

  it("[MQTT-3.3.1-4] QoS 3 before 5.0 closes the connection and delivers nothing", async () => {
    const deployment = await served();
    const [device, reader] = [
      await Device.connect(deployment, "c", { version: 4 }),
      await Device.connect(deployment, "r"),
    ];
    await reader.subscribe("#");
    device.bytes([0x36, 6, 0, 1, 0x61, 0, 1, 0x78]);
    await device.closed;
    await reader.publish("end", "");
    expect((await reader.message()).topic).toBe("end");
  });

  it("[MQTT-3.14.2-2] a session expiry at DISCONNECT where CONNECT had none", async () => {
    const device = await Device.connect(await served(), "c");
    device.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
    expect(await device.ended()).toBe(reasonCodes.protocolError);
  });
});

describe("properties", () => {
  it("[MQTT-3.3.2-7] a topic alias stands for its topic, for its connection alone, until it is set anew", async () => {
    const deployment = await served();
    const [device, reader] = [await Device.connect(deployment, "c"), await Device.connect(deployment, "r")];
    await reader.subscribe("#");
    const via = (topic: string, payload: string) =>
      device.publish(topic, payload, { properties: { topicAlias: 4_095, userProperties: { k: payload } } });
    for (const [topic, payload] of [
      ["a", "1"],
      ["", "2"],
      ["b", "3"],
      ["", "4"],
    ] as const) {
      expect(await via(topic, payload)).toBe(0);
    }
    const seen: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const { topic, payload, properties } = await reader.message();
      expect(properties?.topicAlias).toBeUndefined();
      seen.push([topic, payload.toString(), { ...properties?.userProperties }]);
    }
    expect(seen).toEqual([
      ["a", "1", { k: "1" }],
      ["a", "2", { k: "2" }],
      ["b", "3", { k: "3" }],
      ["b", "4", { k: "4" }],
    ]);
    const other = await Device.connect(deployment, "other");
    other.send({
      cmd: "publish",
      topic: "",
      payload: "",
      qos: 0,
      retain: false,
      dup: false,
      properties: { topicAlias: 4_095 },
    });
    expect(await other.ended()).toBe(reasonCodes.protocolError);
  });

  it("a payload that is the UTF-8 it is said to be passes, and one that is not and says nothing passes too", async () => {
    const device = await Device.connect(await served(), "c");
    await device.subscribe("a");
    expect(await device.publish("a", "größer", { properties: { payloadFormatIndicator: true } })).toBe(0);
    expect((await device.message()).payload.toString()).toBe("größer");
    expect(await device.publish("a", Buffer.of(0xc3, 0x28))).toBe(0);
    expect([...Buffer.from((await device.message()).payload)]).toEqual([0xc3, 0x28]);
  });

  it("a share is granted in every version, and a filter that is too deep refused alone", async () => {
    const deployment = await served();
    const filters = ["$share/g/a", "a", "/".repeat(200)];
    const five = await Device.connect(deployment, "five");
    expect(await five.subscribe(...filters)).toEqual([1, 1, 0x8f]);
    const four = await Device.connect(deployment, "four", { version: 4 });
    expect(await four.subscribe(...filters)).toEqual([1, 1, 0x80]);
  });
});
