// CONNECT and CONNACK of 3.1.1, sections 3.1 and 3.2: what is refused with a return code, and what with the close alone.

import { describe, expect } from "vitest";
import { field, hex, join, packet, u16, u8 } from "../harness/bytes.ts";
import type { Connecting } from "../harness/it.ts";
import { it } from "../harness/it.ts";
import { pingreq, publish, subscribe } from "../harness/packets.ts";

/** Protocol name and level, for CONNECTs that are written by hand. */
const beginning = join(field("MQTT"), u8(4));

it.for([
  ["PINGREQ", pingreq()],
  ["PUBLISH", publish(4, { topic: "t" })],
] as const)("[MQTT311-3.1.0-1] %s before CONNECT closes the connection", async ([, bytes], { broker }) => {
  const client = await broker.open(4);
  client.send(bytes);
  await client.closed();
});

it("[MQTT311-3.1.0-2] a second CONNECT closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(broker.connectPacket(4));
  await client.ended();
});

it("[MQTT311-3.1.2-1] another protocol name is not taken for MQTT", async ({ broker }) => {
  const client = await broker.connecting(4, { protocolName: "MQTX" });
  await client.refusedOrClosed(1);
});

it.for([0, 1, 2])("[MQTT311-3.1.2-2] protocol level %i is return code 1", async (protocolLevel, { broker }) => {
  const client = await broker.connecting(4, { protocolLevel });
  expect((await client.nextRaw("connack")).raw.toString("hex")).toBe("20020001");
  await client.closed();
});

describe("malformed: closed without CONNACK", () => {
  it.for([
    ["[MQTT311-3.1.2-3]", "the reserved flag", { flags: 0xc3 }],
    ["[MQTT311-3.1.2-11]", "will QoS without a will", { flags: 0xca }],
    ["[MQTT311-3.1.2-13]", "will QoS 2 without a will", { flags: 0xd2 }],
    ["[MQTT311-3.1.2-14]", "a will of QoS 3", { will: { topic: "t", qos: 3 } }],
    ["[MQTT311-3.1.2-15]", "will retain without a will", { flags: 0xe2 }],
    ["[MQTT311-3.1.2-22]", "a password without a user name", { anonymous: true, password: "secret" }],
    ["[MQTT311-3.1.3-4]", "a client id of ill-formed UTF-8", { clientId: hex("ff") }],
    ["[MQTT311-3.1.3-10]", "a will topic of ill-formed UTF-8", { will: { topic: hex("ff") } }],
    ["[MQTT311-3.1.3-11]", "a user name of ill-formed UTF-8", { username: hex("ff") }],
    ["[MQTT311-1.5.3-1]", "a surrogate in a client id", { clientId: hex("eda080") }],
    ["[MQTT311-1.5.3-2]", "a null in a client id", { clientId: "a\0b" }],
    ["[MQTT311-3.1.4-1]", "bytes behind the last field", { tail: hex("00") }],
  ] satisfies [string, string, Connecting][])("%s %s is closed without CONNACK", async ([, , options], { broker }) => {
    const client = await broker.connecting(4, options);
    await client.closed();
  });

  it.for([
    ["[MQTT311-3.1.2-9]", "a will flag without a will", 0x06, []],
    ["[MQTT311-3.1.2-18]", "a user name without its flag", 0x02, ["user"]],
    ["[MQTT311-3.1.2-19]", "a user name flag without a user name", 0x82, []],
    ["[MQTT311-3.1.2-20]", "a password without its flag", 0x82, ["user", "password"]],
    ["[MQTT311-3.1.2-21]", "a password flag without a password", 0xc2, ["user"]],
  ] as const)(
    "%s %s: flags and fields that disagree are closed without CONNACK",
    async ([, , flags, fields], { broker }) => {
      const client = await broker.open(4);
      const rest = fields.map((each) => field(each));
      client.send(packet(0x10, beginning, u8(flags), u16(60), field(broker.clientId()), ...rest));
      await client.closed();
    },
  );

  it("[MQTT311-3.1.3-3] no client id", async ({ broker }) => {
    const client = await broker.open(4);
    client.send(packet(0x10, beginning, u8(0x02), u16(60)));
    await client.closed();
  });

  it.for([0x11, 0x12, 0x18])("[MQTT311-2.2.2-2] CONNECT with the first byte %i", async (first, { broker }) => {
    const client = await broker.open(4);
    client.send(u8(first), broker.connectPacket(4).subarray(1));
    await client.closed();
  });
});

it("[MQTT311-3.1.3-1] reads client id, will, user name and password in this order", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.connect(4, { will: { topic, payload: "in order" } });
  await client.drop();
  expect(String((await watcher.message()).payload)).toBe("in order");
});

it("[MQTT311-3.1.3-5] takes a client id of 23 letters and figures", async ({ broker }) => {
  const client = await broker.connect(4, { clientId: `0aZ${broker.clientId()}`.padEnd(23, "9").slice(0, 23) });
  await client.ping();
});

it("[MQTT311-3.1.3-6] an empty client id with a clean session is unique", async ({ broker }) => {
  const [one, other] = [await broker.connect(4, { clientId: "" }), await broker.connect(4, { clientId: "" })];
  await one.ping();
  await other.ping();
});

it("[MQTT311-3.1.3-8] an empty client id without a clean session is return code 2", async ({ broker }) => {
  const client = await broker.connecting(4, { clientId: "", clean: false });
  await client.refused(2);
});

it("[MQTT311-3.1.3-9] a client id that is refused is return code 2", async ({ broker }) => {
  const client = await broker.connecting(4, { clientId: "x".repeat(65_535) });
  await client.refused(2);
});

it("[MQTT311-3.1.4-2] a second connection of a client id ends the first", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(4, { clientId });
  const second = await broker.connect(4, { clientId });
  await first.ended();
  await second.ping();
});

it("[MQTT311-3.1.4-4] [MQTT311-3.2.0-1] [MQTT311-7.0.0-2] a CONNECT that is right gets return code 0, before anything else", async ({
  broker,
}) => {
  const client = await broker.open(4);
  client.send(broker.connectPacket(4), pingreq(), subscribe(4, 3, [{ filter: broker.topic() }]));
  expect((await client.nextRaw("connack")).raw.toString("hex")).toBe("20020000");
  await client.pick("pingresp");
  await client.pick("suback");
});

it("[MQTT311-3.1.4-5] what came behind a refused CONNECT is not processed", async ({ broker }) => {
  const topic = broker.topic();
  const watcher = await broker.connect(4);
  await watcher.subscribe([{ filter: topic }]);
  const client = await broker.open(4);
  client.send(broker.connectPacket(4, { password: "wrong" }), publish(4, { topic, payload: "unheard" }));
  await client.refused(4, 5);
  await watcher.publishSafely({ topic, payload: "marker" });
  expect(String((await watcher.message()).payload)).toBe("marker");
});

it("[MQTT311-3.2.2-4] [MQTT311-3.2.2-5] a refusal has no session present, and closes", async ({ broker }) => {
  const clientId = broker.clientId();
  const first = await broker.connect(4, { clientId, clean: false });
  await first.leave();
  const client = await broker.connecting(4, { clientId, clean: false, password: "wrong" });
  await client.refused(4, 5);
});

it("[MQTT311-3.1.2-24] a client that is silent for one and a half keep alives is closed", async ({ broker }) => {
  const before = performance.now(); // The server counts from a later moment.
  const client = await broker.connect(4, { keepAlive: 1 });
  await client.ended();
  expect(performance.now() - before).toBeGreaterThan(1_500);
});
