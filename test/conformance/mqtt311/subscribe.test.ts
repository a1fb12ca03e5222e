// SUBSCRIBE and UNSUBSCRIBE of 3.1.1, sections 3.8 to 3.11, the filters of section 4.7, and WebSocket, section 6.

import { expect } from "vitest";
import { WebSocket } from "ws";
import { field, hex, packet, u16, u8 } from "../harness/bytes.ts";
import { it } from "../harness/it.ts";
import { acknowledge, subscribe, unsubscribe } from "../harness/packets.ts";

it.for([0x80, 0x81, 0x83, 0x8a])(
  "[MQTT311-3.8.1-1] SUBSCRIBE with the first byte %i closes the connection",
  async (first, { broker }) => {
    const client = await broker.connect(4);
    client.send(u8(first), subscribe(4, 1, [{ filter: broker.topic() }]).subarray(1));
    await client.ended();
  },
);

it("[MQTT311-3.8.3-1] a filter of ill-formed UTF-8 closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 1, [{ filter: hex("c0af") }]));
  await client.ended();
});

it("[MQTT311-3.8.3-2] filters with wildcards are taken", async ({ broker }) => {
  const client = await broker.connect(4);
  expect(await client.subscribe([{ filter: broker.topic("#") }, { filter: broker.topic("+/a") }])).toEqual([0, 0]);
});

it("[MQTT311-3.8.3-3] SUBSCRIBE without a filter closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 1, []));
  await client.ended();
});

it.for([0x03, 0x04, 0x08, 0x10, 0x80])(
  "[MQTT311-3.8.3-4] a requested QoS byte of %i closes the connection",
  async (options, { broker }) => {
    const client = await broker.connect(4);
    client.send(subscribe(4, 1, [{ filter: broker.topic(), options }]));
    await client.ended();
  },
);

it("[MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] SUBACK has the packet id of its SUBSCRIBE", async ({
  broker,
}) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 65_535, [{ filter: broker.topic() }]));
  expect((await client.nextRaw("suback")).raw.toString("hex")).toBe("9003ffff00");
});

it("[MQTT311-2.3.1-1] SUBSCRIBE with packet id 0 closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 0, [{ filter: broker.topic() }]));
  await client.ended();
});

it("[MQTT311-3.8.4-3] a filter that is there already is replaced, and its retained messages come again", async ({
  broker,
}) => {
  const topic = broker.topic();
  const client = await broker.connect(4);
  await client.publishSafely({ topic, payload: "retained", retain: true });
  for (const qos of [1, 0]) {
    await client.subscribe([{ filter: topic, qos }]);
    expect((await client.message()).qos).toBe(qos);
  }
  await client.publishSafely({ topic, payload: "once" });
  await client.publishSafely({ topic, payload: "marker" });
  for (const payload of ["once", "marker"]) expect(String((await client.message()).payload)).toBe(payload);
});

it("[MQTT311-3.8.4-4] [MQTT311-3.8.4-5] [MQTT311-3.9.3-1] one SUBACK has a return code a filter, in their order", async ({
  broker,
}) => {
  const client = await broker.connect(4);
  const asked = [2, 0, 1, 1, 2];
  expect(await client.subscribe(asked.map((qos, index) => ({ filter: broker.topic(`${index}`), qos })))).toEqual(asked);
});

it("[MQTT311-3.8.4-6] a message has the lower of its QoS and the subscription's", async ({ broker }) => {
  const publisher = await broker.connect(4);
  for (const qos of [0, 1, 2]) {
    const topic = broker.topic(`${qos}`);
    const client = await broker.connect(4);
    await client.subscribe([{ filter: topic, qos }]);
    publisher.publish({ topic });
    await publisher.publishSafely({ topic });
    expect([(await client.message()).qos, (await client.message()).qos]).toEqual([0, Math.min(qos, 1)]);
  }
});

it.for(["$share", "$share/group", "$share//a"])(
  "[MQTT311-3.8.4-1] the filter %s, which says nothing in this version, has its SUBACK",
  async (filter, { broker }) => {
    const client = await broker.connect(4);
    client.send(subscribe(4, 1, [{ filter }]));
    expect([0, 0x80]).toContain((await client.next("suback")).granted[0]);
  },
);

it("[MQTT311-3.9.3-2] SUBACK has return codes 0, 1, 2 and 0x80 alone", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 1, [{ filter: broker.topic("a".repeat(60_000)) }]));
  const { granted } = await client.next("suback");
  expect([0, 0x80]).toContain(granted[0]);
});

it.for([0xa0, 0xa1, 0xa3, 0xaa])(
  "[MQTT311-3.10.1-1] UNSUBSCRIBE with the first byte %i closes the connection",
  async (first, { broker }) => {
    const client = await broker.connect(4);
    client.send(u8(first), unsubscribe(4, 1, [broker.topic()]).subarray(1));
    await client.ended();
  },
);

it("[MQTT311-3.10.3-1] UNSUBSCRIBE of ill-formed UTF-8 closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(unsubscribe(4, 1, [hex("ff")]));
  await client.ended();
});

it("[MQTT311-3.10.3-2] UNSUBSCRIBE without a filter closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(unsubscribe(4, 1, []));
  await client.ended();
});

it("[MQTT311-3.10.4-1] [MQTT311-3.10.4-2] a filter is compared as it is written, and then nothing new comes", async ({
  broker,
}) => {
  const [topic, marker] = [broker.topic("a/b"), broker.topic("marker")];
  const client = await broker.connect(4);
  await client.subscribe([{ filter: broker.topic("a/+") }, { filter: marker }]);
  await client.unsubscribe([topic, broker.topic("A/+")]);
  await client.publishSafely({ topic });
  expect((await client.message()).topic).toBe(topic);
  await client.unsubscribe([broker.topic("a/+")]);
  await client.publishSafely({ topic });
  await client.publishSafely({ topic: marker });
  expect((await client.message()).topic).toBe(marker);
});

it("[MQTT311-3.10.4-3] what has been sent already is completed", async ({ broker }) => {
  const [clientId, topic] = [broker.clientId(), broker.topic()];
  const first = await broker.connect(4, { clientId, clean: false });
  await first.subscribe([{ filter: topic, qos: 1 }]);
  const publisher = await broker.connect(4);
  await publisher.publishSafely({ topic });
  const { messageId = 0 } = await first.next("publish");
  await first.unsubscribe([topic]);
  await first.drop();
  const back = await broker.connect(4, { clientId, clean: false });
  const again = await back.next("publish");
  expect([again.messageId, again.dup]).toEqual([messageId, true]);
  back.send(acknowledge("puback", messageId));
  await back.ping();
});

it("[MQTT311-3.10.4-4] [MQTT311-3.10.4-5] [MQTT311-3.10.4-6] one UNSUBACK, though nothing is removed", async ({
  broker,
}) => {
  const client = await broker.connect(4);
  client.send(unsubscribe(4, 4_711, [broker.topic("a"), broker.topic("b")]));
  expect((await client.nextRaw("unsuback")).raw.toString("hex")).toBe("b0021267");
});

it.for([
  ["[MQTT311-4.7.1-2]", "a#"],
  ["[MQTT311-4.7.1-2]", "a/#/b"],
  ["[MQTT311-4.7.1-3]", "a+"],
  ["[MQTT311-4.7.1-3]", "a/+b"],
] as const)("%s the filter %s is refused", async ([, filter], { broker }) => {
  const client = await broker.connect(4);
  client.send(subscribe(4, 1, [{ filter: broker.topic(filter) }]));
  const granted = await client.pick("suback").then(
    (suback) => suback.granted,
    async () => await client.closed(),
  );
  expect([[0x80], undefined]).toContainEqual(granted);
});

it("[MQTT311-4.7.2-1] a leading wildcard does not match a topic that begins with $", async ({ broker }) => {
  const name = broker.clientId();
  const client = await broker.connect(4);
  await client.subscribe([{ filter: `+/conformance/${name}` }]);
  client.publish({ topic: `$${name}/conformance/${name}` });
  client.publish({ topic: `${name}/conformance/${name}` });
  expect((await client.message()).topic).toBe(`${name}/conformance/${name}`);
});

it("[MQTT311-4.7.3-1] an empty topic closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.publish({ topic: "" });
  await client.ended();
});

it("[MQTT311-4.7.3-2] a null in a filter closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.send(packet(0x82, u16(1), field("a/\0"), u8(0)));
  await client.ended();
});

it("[MQTT311-4.7.3-3] the longest filter there can be is answered", async ({ broker }) => {
  const client = await broker.connect(4);
  const [code] = await client.subscribe([{ filter: broker.topic().padEnd(65_535, "x") }]);
  expect([0, 0x80]).toContain(code);
});

it("[MQTT311-4.7.3-4] composed and decomposed letters are not taken for each other", async ({ broker }) => {
  const client = await broker.connect(4);
  await client.subscribe([{ filter: broker.topic("\u00C5") }]);
  await client.publishSafely({ topic: broker.topic("A\u030A") });
  await client.publishSafely({ topic: broker.topic("\u00C5") });
  expect((await client.message()).topic).toBe(broker.topic("\u00C5"));
});

it("[MQTT311-6.0.0-1] a text frame closes the connection", async ({ broker }) => {
  const client = await broker.connect(4);
  client.socket.send("text");
  await client.ended();
});

it("[MQTT311-6.0.0-2] [MQTT311-7.1.1-1] packets may be cut at any byte", async ({ broker }) => {
  const client = await broker.open(4);
  for (const byte of broker.connectPacket(4)) client.send(Uint8Array.of(byte));
  expect((await client.next("connack")).returnCode).toBe(0);
});

it("[MQTT311-6.0.0-3] [MQTT311-6.0.0-4] the subprotocol is mqtt, and nothing goes without it", async ({ broker }) => {
  expect((await broker.open(4)).socket.protocol).toBe("mqtt");
  const socket = new WebSocket(broker.access.url, ["chat"]);
  const outcome = await new Promise<string>((resolve) => {
    socket.once("open", () => resolve("open"));
    socket.once("error", () => resolve("refused"));
  });
  socket.terminate();
  expect(outcome).toBe("refused");
});
