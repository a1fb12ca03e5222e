// CONNECT, section 3.1: what a server takes, and how it refuses the rest.

import { describe, expect } from "vitest";
import { field, hex, join, packet, properties, property, u16, u8 } from "../harness/bytes.ts";
import type { Connecting } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { connect, pingreq, publish, subscribe } from "../harness/packets.ts";

/** Protocol name and level, for CONNECTs that are written by hand. */
const beginning = join(field("MQTT"), u8(5));

it.for([
  ["PINGREQ", pingreq()],
  ["PUBLISH", publish(5, { topic: "t" })],
  ["SUBSCRIBE", subscribe(5, 1, [{ filter: "t" }])],
] as const)("[MQTT-3.1.0-1] %s before CONNECT ends the connection without an answer", async ([, bytes], { broker }) => {
  const client = await broker.open(5);
  client.send(bytes);
  await client.closed();
});

it("[MQTT-3.1.0-2] a second CONNECT is a protocol error", async ({ broker }) => {
  const client = await broker.connect(5);
  client.send(broker.connectPacket(5));
  await client.ended(0x82);
});

it("[MQTT-3.1.2-1] another protocol name is 0x84, or nothing, and closed", async ({ broker }) => {
  const client = await broker.connecting(5, { protocolName: "MQTX" });
  await client.refusedOrClosed(0x84);
});

it.for([6, 127])("[MQTT-3.1.2-2] protocol version %i is 0x84 and closed", async (protocolLevel, { broker }) => {
  const client = await broker.connecting(5, { protocolLevel });
  await client.refusedOrClosed(0x84);
});

it("[MQTT-3.1.2-3] the reserved flag of CONNECT must be 0", async ({ broker }) => {
  const client = await broker.connecting(5, { flags: 0xc3 });
  await client.refused(0x81);
});

it("[MQTT-3.1.2-11] will QoS without a will is malformed", async ({ broker }) => {
  const client = await broker.connecting(5, { flags: 0xc2 | 0x08 });
  await client.refused(0x81, 0x82);
});

it("[MQTT-3.1.2-12] a will of QoS 3 is malformed", async ({ broker }) => {
  const client = await broker.connecting(5, { will: { topic: broker.topic(), qos: 3 } });
  await client.refused(0x81);
});

it("[MQTT-3.1.2-13] will retain without a will is malformed", async ({ broker }) => {
  const client = await broker.connecting(5, { flags: 0xc2 | 0x20 });
  await client.refused(0x81, 0x82);
});

describe("fields that the flags promise", () => {
  it("[MQTT-3.1.2-9] a will flag without the will's fields is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    client.send(packet(0x10, beginning, u8(0x06), u16(60), properties([]), field(broker.clientId())));
    await client.refused(0x81);
  });

  it("[MQTT-3.1.2-16] a user name without its flag is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    const clientId = broker.clientId();
    client.send(packet(0x10, beginning, u8(0x02), u16(60), properties([]), field(clientId), field("user")));
    await client.refused(0x81);
  });

  it("[MQTT-3.1.2-17] a user name flag without a user name is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    client.send(packet(0x10, beginning, u8(0x82), u16(60), properties([]), field(broker.clientId())));
    await client.refused(0x81);
  });

  it("[MQTT-3.1.2-18] a password without its flag is malformed", async ({ broker }) => {
    const client = await broker.connecting(5, { flags: 0x82 });
    await client.refused(0x81);
  });

  it("[MQTT-3.1.2-19] a password flag without a password is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    const clientId = broker.clientId();
    client.send(packet(0x10, beginning, u8(0xc2), u16(60), properties([]), field(clientId), field("user")));
    await client.refused(0x81);
  });

  it("[MQTT-3.1.3-3] a CONNECT without a client id is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    client.send(packet(0x10, beginning, u8(0x02), u16(60), properties([])));
    await client.refused(0x81);
  });
});

it("[MQTT-3.1.3-1] reads client id, will, user name and password in this order", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(5, { will: { topic, payload: "in order" } });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("in order");
});

describe("text", () => {
  const illFormed = hex("ff");
  it.for([
    ["[MQTT-3.1.3-4]", "client id", { clientId: illFormed }],
    ["[MQTT-3.1.3-11]", "will topic", { will: { topic: illFormed } }],
    ["[MQTT-3.1.3-12]", "user name", { username: illFormed }],
    ["[MQTT-1.5.7-1]", "user property", { properties: [property.userProperty("a", illFormed)] }],
    ["[MQTT-1.5.4-1]", "surrogate in a client id", { clientId: hex("eda080") }],
    ["[MQTT-1.5.4-2]", "null in a client id", { clientId: "a\0b" }],
  ] satisfies [string, string, Connecting][])("%s ill-formed UTF-8: %s", async ([, , options], { broker }) => {
    const client = await broker.connecting(5, options);
    await client.refused(0x81, 0x85);
  });
});

it.for(["a", "0123456789abcdefABCDEFG", "zZ9"])("[MQTT-3.1.3-5] takes the client id %s", async (end, { broker }) => {
  const rest = broker.clientId();
  const { connack } = await broker.connectWith(5, { clientId: (end + rest).slice(0, 23) });
  expect(connack.properties?.assignedClientIdentifier).toBeUndefined();
});

it("[MQTT-3.1.3-6] [MQTT-3.1.3-7] an empty client id gets one of its own, which names its session", async ({
  broker,
}) => {
  const { client, connack } = await broker.connectWith(5, {
    clientId: "",
    properties: [property.sessionExpiryInterval(30)],
  });
  const clientId = String(connack.properties?.assignedClientIdentifier);
  expect(clientId).toMatch(/./);
  await client.leave();
  const again = await broker.connectWith(5, { clientId, clean: false });
  expect(again.connack.sessionPresent).toBe(true);
});

it("[MQTT-3.1.3-8] a client id that is refused is 0x85 and closed", async ({ broker }) => {
  const client = await broker.connecting(5, { clientId: "x".repeat(65_535) });
  await client.refused(0x85);
});

describe("properties", () => {
  const twice = <Each>(each: Each) => [each, each];
  it.for([
    ["an unknown property", [hex("7f00")], 0x81],
    ["a property of PUBLISH", [property.topicAlias(1)], 0x82],
    ["Session Expiry Interval twice", twice(property.sessionExpiryInterval(1)), 0x82],
    ["Receive Maximum twice", twice(property.receiveMaximum(5)), 0x82],
    ["Receive Maximum 0", [property.receiveMaximum(0)], 0x82],
    ["Maximum Packet Size twice", twice(property.maximumPacketSize(100)), 0x82],
    ["Maximum Packet Size 0", [property.maximumPacketSize(0)], 0x82],
    ["Topic Alias Maximum twice", twice(property.topicAliasMaximum(5)), 0x82],
    ["Request Response Information twice", twice(property.requestResponseInformation(0)), 0x82],
    ["Request Response Information 2", [property.requestResponseInformation(2)], 0x82],
    ["Request Problem Information twice", twice(property.requestProblemInformation(0)), 0x82],
    ["Request Problem Information 2", [property.requestProblemInformation(2)], 0x82],
    ["Authentication Data without a method", [property.authenticationData("x")], 0x82],
    ["a property that is cut off", [hex("1100")], 0x81],
  ] as const)("[MQTT-3.1.4-1] CONNECT with %s is refused", async ([, list, reasonCode], { broker }) => {
    const client = await broker.connecting(5, { properties: list });
    await client.refused(reasonCode, ...(reasonCode === 0x82 ? [0x81] : []));
  });

  it("[MQTT-2.2.2-1] CONNECT without a property length is malformed", async ({ broker }) => {
    const client = await broker.open(5);
    client.send(packet(0x10, beginning, u8(0x02), u16(60)));
    await client.refused(0x81);
  });

  it("[MQTT-3.1.2-28] gives no Response Information unless asked", async ({ broker }) => {
    const { connack } = await broker.connectWith(5, { properties: [property.requestResponseInformation(0)] });
    expect(connack.properties?.responseInformation).toBeUndefined();
  });
});

it("[MQTT-3.1.4-1] bytes behind the last field are malformed", async ({ broker }) => {
  const client = await broker.connecting(5, { tail: hex("00") });
  await client.refused(0x81);
});

it.for([0x11, 0x12, 0x14, 0x18])(
  "[MQTT-3.1.4-1] CONNECT with the first byte %i is closed",
  async (first, { broker }) => {
    const client = await broker.open(5);
    const bytes = broker.connectPacket(5);
    client.send(u8(first), bytes.subarray(1));
    await client.refusedOrClosed(0x81);
  },
);

it("[MQTT-3.1.4-2] a wrong password is 0x86 or 0x87 and closed", async ({ broker }) => {
  const client = await broker.connecting(5, { password: "not the password" });
  await client.refused(0x86, 0x87);
});

it("[MQTT-3.1.4-3] a second connection of a client id ends the first with 0x8E", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(5, { clientId });
  const second = await broker.connect(5, { clientId });
  await first.ended(0x8e);
  await second.ping();
});

it("[MQTT-3.1.4-5] a CONNECT that is right gets 0x00", async ({ broker }) => {
  const { connack } = await broker.connectWith(5);
  expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: false });
});

it("[MQTT-3.1.4-6] what came behind a refused CONNECT is not processed", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(5);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.open(5);
  const refused = connect(5, { clientId: broker.clientId(), username: broker.access.username, password: "wrong" });
  client.send(refused, publish(5, { topic, payload: "unheard" }));
  await client.refused(0x86, 0x87);
  await watcher.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT-3.1.2-22] a client that is silent for one and a half keep alives is ended", async ({ broker }) => {
  const before = performance.now(); // The server counts from a later moment.
  const { client, connack } = await broker.connectWith(5, { keepAlive: 1 });
  const seconds = connack.properties?.serverKeepAlive ?? 1;
  await client.ended(0x8d);
  expect(performance.now() - before).toBeGreaterThan(seconds * 1_500);
});

it("[MQTT-3.1.2-22] what is no whole packet is no sign of life", async ({ broker }) => {
  const client = await broker.connect(5, { keepAlive: 1 });
  // A PUBLISH that never comes to its end, a byte at a time, and frames with nothing in them.
  client.send(hex("307f0001"));
  const timer = setInterval(() => client.send(u8(0x61), new Uint8Array()), 200);
  try {
    await client.ended(0x8d);
  } finally {
    clearInterval(timer);
  }
});
