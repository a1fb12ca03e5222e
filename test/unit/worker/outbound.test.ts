// What the shard sends, brought to a client's version.

import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import type { ProtocolVersion } from "../../../src/broker/mqtt/packets.ts";
import { translate } from "../../../src/worker/mqtt-connection/outbound.ts";

const publish = {
  cmd: "publish",
  topic: "a/b",
  payload: Buffer.from("payload"),
  qos: 1,
  retain: true,
  dup: true,
  messageId: 300,
  properties: { messageExpiryInterval: 7, userProperties: { k: "v" }, subscriptionIdentifier: 9 },
};

function five(...packets: object[]): Uint8Array {
  const parts = packets.map((packet) => mqttPacket.generate(packet as Packet, { protocolVersion: 5 }));
  return Uint8Array.from(Buffer.concat(parts));
}

function parsed(bytes: Uint8Array, protocolVersion: ProtocolVersion): Packet[] {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (packet) => packets.push(packet));
  parser.on("error", (error) => {
    throw error;
  });
  parser.parse(Buffer.from(bytes));
  return packets;
}

const ordinary = [
  publish,
  { cmd: "puback", messageId: 1, reasonCode: 0x10 },
  { cmd: "suback", messageId: 2, granted: [0, 1, 0x8f] },
  { cmd: "unsuback", messageId: 3, granted: [0, 0x11] },
];
const disconnect = { cmd: "disconnect", reasonCode: 0x8e, properties: { reasonString: "taken over" } };

describe("a client of 5.0", () => {
  it("gets the bytes as they are, uncopied", () => {
    const bytes = five(...ordinary);
    const outbound = translate(bytes, 5);
    expect(outbound).toEqual({ bytes, packets: 4, ends: false, disconnect: null });
    expect(outbound.bytes).toBe(bytes);
  });

  it("[MQTT-3.14.4-1] is sent nothing behind the DISCONNECT that ends it", () => {
    const outbound = translate(five(publish, disconnect, publish), 5);
    expect(outbound).toMatchObject({ bytes: five(publish), packets: 1, ends: true });
    expect(outbound.disconnect).toEqual(five(disconnect));
  });
});

it("[MQTT-3.1.2-29] without problem information a client of 5.0 gets reasons and user properties in PUBLISH and DISCONNECT alone", () => {
  const properties = { reasonString: "why", userProperties: { k: "v" } };
  const acknowledgements = [
    { cmd: "puback", messageId: 1, reasonCode: 0x10 },
    { cmd: "pubrec", messageId: 2, reasonCode: 0x97 },
    { cmd: "pubrel", messageId: 3, reasonCode: 0x92 },
    { cmd: "pubcomp", messageId: 4, reasonCode: 0 },
    { cmd: "suback", messageId: 5, granted: [0, 0x8f] },
    { cmd: "unsuback", messageId: 6, granted: [0x11] },
  ];
  const telling = acknowledgements.map((packet) => ({ ...packet, properties }));
  const outbound = translate(five(publish, ...telling, disconnect), 5, false);
  expect(outbound).toMatchObject({ packets: 7, ends: true, disconnect: five(disconnect) });
  const [first, ...others] = parsed(outbound.bytes, 5);
  expect(first).toMatchObject({ properties: { userProperties: { k: "v" } } });
  expect(others).toMatchObject(acknowledgements.map(({ cmd, messageId }) => ({ cmd, messageId })));
  const codes = others.map((packet) =>
    "granted" in packet ? packet.granted : "reasonCode" in packet && packet.reasonCode,
  );
  expect(codes).toEqual([0x10, 0x97, 0x92, 0, [0, 0x8f], [0x11]]);
  expect(others.every((packet) => Object.keys(("properties" in packet && packet.properties) || {}).length === 0)).toBe(
    true,
  );
});

describe.each([3, 4] as const)("a client of level %i", (version) => {
  it("gets every packet in its version, without properties", () => {
    const outbound = translate(five(...ordinary), version);
    expect([outbound.packets, outbound.ends]).toEqual([4, false]);
    const packets = parsed(outbound.bytes, version);
    expect(packets).toMatchObject([
      { cmd: "publish", topic: "a/b", qos: 1, retain: true, dup: true, messageId: 300, payload: publish.payload },
      { cmd: "puback", messageId: 1, length: 2 },
      { cmd: "suback", messageId: 2, granted: [0, 1, 0x80] },
      { cmd: "unsuback", messageId: 3, length: 2 },
    ]);
    expect(packets.every((packet) => !("properties" in packet))).toBe(true);
  });

  it("[MQTT311-4.8.0-2] is closed where a publish is refused, behind what came before", () => {
    const refused = five(publish, { cmd: "puback", messageId: 1, reasonCode: 0x97 }, publish);
    const outbound = translate(refused, version);
    expect(outbound).toMatchObject({ packets: 1, ends: true, disconnect: null });
    expect(parsed(outbound.bytes, version)).toHaveLength(1);
  });

  it("is closed by a DISCONNECT, which it never sees", () => {
    const outbound = translate(five(publish, disconnect), version);
    expect(outbound).toMatchObject({ packets: 1, ends: true });
    expect(outbound.disconnect).toEqual(five(disconnect));
    expect(parsed(outbound.bytes, version).map(({ cmd }) => cmd)).toEqual(["publish"]);
  });
});

it("a frame that holds a cut packet is a bug of ours", () => {
  const bytes = five(publish);
  expect(() => translate(bytes.subarray(0, bytes.length - 1), 5)).toThrow(RangeError);
});
