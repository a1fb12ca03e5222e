// The codec against byte vectors, against mqtt-packet in both directions, and against malformed input.

import fc from "fast-check";
import type { IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { readAcknowledgement, writeAcknowledgement } from "../../../src/broker/mqtt/acknowledgement.ts";
import { readPacket } from "../../../src/broker/mqtt/control-packets.ts";
import { FrameAssembler } from "../../../src/broker/mqtt/frame-assembler.ts";
import { MqttError } from "../../../src/broker/mqtt/mqtt-error.ts";
import type { ProtocolVersion, QoS } from "../../../src/broker/mqtt/packets.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { readPublish } from "../../../src/broker/mqtt/read-publish.ts";
import { normalisePublish, withTopic, writeVersion3 } from "../../../src/broker/mqtt/rewrite-publish.ts";
import { addressPublish } from "../../../src/broker/mqtt/write-publish.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import {
  writeConnack,
  writeDisconnect,
  writePingresp,
  writeSuback,
  writeSubscribe,
  writeUnsuback,
} from "../../../src/broker/mqtt/server-packets.ts";
import { forEachPacket } from "../../../src/broker/mqtt/split-packets.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

function generate(packet: Packet, protocolVersion: ProtocolVersion): Uint8Array {
  return mqttPacket.generate(packet, { protocolVersion });
}

function parse(packet: Uint8Array, protocolVersion: ProtocolVersion): Packet {
  let parsed: Packet | undefined;
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (each) => {
    parsed = each;
  });
  parser.parse(Buffer.from(packet));
  if (parsed === undefined) throw new Error("not parsed");
  return parsed;
}

/** The reason code with which `read` refuses. */
function refusal(read: () => unknown): number {
  try {
    read();
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode;
    throw error;
  }
  return 0;
}

type ConnectProperties = NonNullable<IConnectPacket["properties"]>;

const word = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\0+#]/.test(text));
const topic = fc.array(word, { minLength: 1, maxLength: 3 }).map((levels) => levels.join("/"));
const payload = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data));
const publishOf = (version: ProtocolVersion) =>
  fc
    .record({
      topic,
      payload,
      qos: fc.constantFrom<QoS>(0, 1, 2),
      retain: fc.boolean(),
      dup: fc.boolean(),
      id: fc.integer({ min: 1, max: 65_535 }),
      properties: properties(version),
    })
    .map(({ qos, dup, id, properties: given, ...rest }): IPublishPacket => ({
      cmd: "publish",
      ...rest,
      qos,
      dup: dup && qos > 0,
      ...(qos > 0 ? { messageId: id } : {}),
      ...(version === 5 ? { properties: given } : {}),
    }));

function properties(version: ProtocolVersion) {
  if (version < 5) return fc.constant({});
  return fc.record(
    {
      payloadFormatIndicator: fc.boolean(),
      messageExpiryInterval: fc.nat(),
      contentType: word,
      responseTopic: word,
      correlationData: payload,
      userProperties: fc.constant({ name: ["one", "two"], other: "three" }),
    },
    { requiredKeys: [] },
  );
}

describe("PUBLISH", () => {
  for (const version of [3, 4, 5] as ProtocolVersion[]) {
    it(`reads what mqtt-packet writes, version ${version}`, () => {
      fc.assert(
        fc.property(publishOf(version), (packet) => {
          const publish = readPublish(generate(packet, version), version);
          const { type: _type, bytes: _bytes, ...trusted } = readTrustedPublish(publish.bytes);
          expect(publish).toMatchObject({ ...trusted, utf8Payload: publish.utf8Payload });
          expect(publish.topic).toBe(packet.topic);
          expect(publish.packetId).toBe(packet.messageId ?? 0);
          const again = parse(publish.bytes, 5) as IPublishPacket;
          const { topic: name, payload: data, qos, retain, dup, messageId } = packet;
          expect(again).toMatchObject({ topic: name, payload: data, qos, retain, dup });
          expect(again.messageId).toBe(messageId);
          if (version === 5)
            expect(again.properties ?? {}).toEqual(
              parse(generate(packet, 5), 5) && ((parse(generate(packet, 5), 5) as IPublishPacket).properties ?? {}),
            );
        }),
        { seed: 1, numRuns: 500 },
      );
    });
  }

  it("[MQTT-3.3.4-3] [MQTT-3.3.2-6] addresses each recipient and leaves the rest as it was", () => {
    const address = fc.record({
      qos: fc.constantFrom<QoS>(0, 1, 2),
      retain: fc.boolean(),
      dup: fc.boolean(),
      packetId: fc.integer({ min: 1, max: 65_535 }),
      subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
      messageExpiryInterval: fc.option(fc.integer({ min: 1, max: 0xffff_ffff })),
    });
    fc.assert(
      fc.property(publishOf(5), address, (packet, to) => {
        const dup = to.dup && to.qos > 0;
        const publish = readPublish(generate(packet, 5), 5);
        const before = publish.bytes.slice();
        const got = parse(addressPublish(publish, { ...to, dup }), 5) as IPublishPacket;
        expect(publish.bytes).toEqual(before);
        expect(got).toMatchObject({
          topic: packet.topic,
          payload: packet.payload,
          qos: to.qos,
          retain: to.retain,
          dup,
        });
        if (to.qos > 0) expect(got.messageId).toBe(to.packetId);
        const { subscriptionIdentifier, messageExpiryInterval, ...rest } = got.properties ?? {};
        expect([subscriptionIdentifier ?? []].flat()).toEqual(to.subscriptionIdentifiers);
        const sent = (parse(generate(packet, 5), 5) as IPublishPacket).properties ?? {};
        const { messageExpiryInterval: expiry, ...others } = sent;
        expect(rest).toEqual(others);
        expect(messageExpiryInterval).toBe(expiry === undefined ? undefined : (to.messageExpiryInterval ?? expiry));
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it("drops its properties for 3.1.1", () => {
    fc.assert(
      fc.property(publishOf(5), (packet) => {
        const { properties: _properties, ...plain } = packet;
        const into = Buffer.alloc(generate(packet, 5).length + 2);
        const end = writeVersion3(generate(packet, 5), into, 2);
        expect(into.subarray(2, end)).toEqual(Buffer.from(generate(plain, 4)));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("[MQTT-3.3.2-7] takes the alias out and puts the topic in", () => {
    const packet: IPublishPacket = {
      cmd: "publish",
      topic: "",
      payload: "x",
      qos: 1,
      dup: false,
      retain: true,
      messageId: 7,
      properties: { topicAlias: 3, contentType: "t", userProperties: { a: "b" } },
    };
    const publish = readPublish(generate(packet, 5), 5);
    expect([publish.topic, publish.topicAlias]).toEqual(["", 3]);
    const named = parse(withTopic(publish, "a/b").bytes, 5) as IPublishPacket;
    expect(named).toMatchObject({ topic: "a/b", qos: 1, retain: true, messageId: 7 });
    expect(named.properties).toEqual({ contentType: "t", userProperties: { a: "b" } });
    const aliased = readPublish(generate({ ...packet, topic: "q" }, 5), 5);
    expect((parse(normalisePublish(aliased).bytes, 5) as IPublishPacket).properties?.topicAlias).toBeUndefined();
  });

  it.each([
    ["[MQTT-3.3.1-4] QoS 3", "36 05 00 01 61 00 01 00", 5, 0x81],
    ["[MQTT-3.3.1-2] DUP at QoS 0", "38 04 00 01 61 00", 5, 0x81],
    ["[MQTT-2.2.1-3] packet id 0", "32 06 00 01 61 00 00 00", 5, 0x82],
    ["[MQTT-3.3.2-2] a wildcard", "30 04 00 01 23 00", 5, 0x81],
    ["an empty topic without alias", "30 03 00 00 00", 5, 0x82],
    ["[MQTT311-4.7.3-1] an empty topic, 3.1.1", "30 02 00 00", 4, 0x81],
    ["[MQTT-3.3.2-8] alias 0", "30 06 00 00 03 23 00 00", 5, 0x94],
    ["[MQTT-3.3.4-6] a subscription identifier", "30 06 00 01 61 02 0b 01", 5, 0x82],
    ["an alias twice", "30 0a 00 01 61 06 23 00 01 23 00 01", 5, 0x82],
    ["a property of CONNECT", "30 07 00 01 61 03 21 00 01", 5, 0x81],
    ["payload format 2", "30 06 00 01 61 02 01 02", 5, 0x82],
    ["[MQTT-1.5.4-2] U+0000 in the topic", "30 04 00 01 00 00", 5, 0x81],
    ["[MQTT-1.5.4-1] a surrogate", "30 06 00 03 ed a0 80 00", 5, 0x81],
    ["a topic cut short", "30 03 00 05 61", 5, 0x81],
    ["properties cut short", "30 05 00 01 61 09 01", 5, 0x81],
    ["a response topic with a wildcard", "30 08 00 01 61 04 08 00 01 2b", 5, 0x82],
  ])("refuses %s", (_name, hex, version, code) => {
    expect(refusal(() => readPublish(bytes(hex), version as ProtocolVersion))).toBe(code);
  });
});

describe("acknowledgements", () => {
  it("reads its own and mqtt-packet's, and the other way round", () => {
    for (const type of ["puback", "pubrec", "pubrel", "pubcomp"] as const) {
      for (const version of [4, 5] as ProtocolVersion[]) {
        const reasonCode = version === 5 && (type === "puback" || type === "pubrec") ? 0x10 : 0;
        const packet = { cmd: type, messageId: 513, reasonCode } as Packet;
        const expected = { type, packetId: 513, reasonCode };
        expect(readAcknowledgement(generate(packet, version), version)).toEqual(expected);
        const own = writeAcknowledgement(type, 513, reasonCode, version);
        expect(readAcknowledgement(own, version)).toEqual(expected);
        expect(parse(own, version)).toMatchObject({ cmd: type, messageId: 513 });
      }
    }
  });

  it.each([
    ["[MQTT-2.1.3-1] flags", "41 02 00 01", 0x81],
    ["PUBREL without its flag", "60 02 00 01", 0x81],
    ["[MQTT-2.2.1-3] packet id 0", "40 02 00 00", 0x82],
    ["a reason code of another packet", "40 03 00 01 8e", 0x82],
    ["bytes behind the end", "40 05 00 01 00 00 00", 0x81],
  ])("refuses %s", (_name, hex, code) => {
    expect(refusal(() => readAcknowledgement(bytes(hex), 5))).toBe(code);
  });
});

describe("control packets", () => {
  it("[MQTT-3.1.4-1] reads CONNECT with all that it may carry", () => {
    const packet: Packet = {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 5,
      clean: true,
      clientId: "c",
      keepalive: 30,
      username: "u",
      password: Buffer.from([1, 2]),
      properties: {
        sessionExpiryInterval: 10,
        receiveMaximum: 5,
        maximumPacketSize: 100,
        topicAliasMaximum: 4,
        requestResponseInformation: true,
        requestProblemInformation: false,
        userProperties: { a: "b" },
      },
      will: {
        topic: "w",
        payload: Buffer.from("gone"),
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 9, contentType: "t" },
      },
    } as Packet;
    expect(readPacket(generate(packet, 5), null)).toEqual({
      type: "connect",
      protocolVersion: 5,
      clientId: "c",
      cleanStart: true,
      keepAliveSeconds: 30,
      username: "u",
      password: Uint8Array.of(1, 2),
      sessionExpiryInterval: 10,
      receiveMaximum: 5,
      maximumPacketSize: 100,
      topicAliasMaximum: 4,
      requestResponseInformation: true,
      requestProblemInformation: false,
      authenticationMethod: null,
      authenticationData: null,
      userProperties: [["a", "b"]],
      will: {
        topic: "w",
        payload: Uint8Array.from(Buffer.from("gone")),
        qos: 1,
        retain: true,
        delayInterval: 9,
        properties: bytes("03 00 01 74"),
      },
    });
  });

  it("[MQTT-3.1.4-1] reads CONNECT as mqtt-packet does", () => {
    const seconds = fc.integer({ min: 0, max: 0xffff_ffff });
    const said = fc.record(
      {
        sessionExpiryInterval: seconds,
        receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
        maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
        topicAliasMaximum: fc.integer({ min: 0, max: 0xffff }),
        requestResponseInformation: fc.boolean(),
        requestProblemInformation: fc.boolean(),
        authenticationMethod: word,
      },
      { requiredKeys: [] },
    );
    const will = fc.record({
      topic,
      payload,
      qos: fc.constantFrom<QoS>(0, 1, 2),
      retain: fc.boolean(),
      properties: fc.record({ willDelayInterval: seconds }, { requiredKeys: [] }),
    });
    const connect = fc.record({
      protocolVersion: fc.constantFrom<ProtocolVersion>(3, 4, 5),
      clean: fc.boolean(),
      clientId: word,
      keepalive: fc.integer({ min: 0, max: 0xffff }),
      username: word,
      password: payload,
      properties: said,
      will: fc.option(will, { nil: undefined }),
    });
    fc.assert(
      fc.property(connect, (fields) => {
        const { protocolVersion: version } = fields;
        const protocolId = version === 3 ? "MQIsdp" : "MQTT";
        const packet = generate({ cmd: "connect", protocolId, ...fields } as Packet, version);
        const theirs = parse(packet, version) as IConnectPacket;
        const found: ConnectProperties = theirs.properties ?? {};
        expect(readPacket(packet, null)).toEqual({
          type: "connect",
          protocolVersion: version,
          clientId: theirs.clientId,
          cleanStart: theirs.clean,
          keepAliveSeconds: theirs.keepalive,
          username: theirs.username,
          password: Uint8Array.from(theirs.password as Buffer),
          sessionExpiryInterval: found.sessionExpiryInterval ?? null,
          receiveMaximum: found.receiveMaximum ?? 0xffff,
          maximumPacketSize: found.maximumPacketSize ?? null,
          topicAliasMaximum: found.topicAliasMaximum ?? 0,
          requestResponseInformation: found.requestResponseInformation ?? false,
          requestProblemInformation: found.requestProblemInformation ?? true,
          authenticationMethod: found.authenticationMethod ?? null,
          authenticationData: null,
          userProperties: [],
          will:
            theirs.will === undefined
              ? null
              : {
                  topic: theirs.will.topic,
                  payload: Uint8Array.from(theirs.will.payload as Buffer),
                  qos: theirs.will.qos,
                  retain: theirs.will.retain,
                  delayInterval: theirs.will.properties?.willDelayInterval ?? 0,
                  properties: new Uint8Array(),
                },
        });
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it.each([3, 4] as ProtocolVersion[])("reads CONNECT of version %i", (protocolVersion) => {
    const packet = {
      cmd: "connect",
      protocolId: protocolVersion === 3 ? "MQIsdp" : "MQTT",
      protocolVersion,
      clean: false,
      clientId: "c",
      keepalive: 0,
    } as Packet;
    expect(readPacket(generate(packet, protocolVersion), null)).toMatchObject({
      type: "connect",
      protocolVersion,
      cleanStart: false,
      username: null,
      will: null,
    });
  });

  it("reads SUBSCRIBE as it writes it for the link", () => {
    const packet = {
      type: "subscribe",
      packetId: 9,
      subscriptionIdentifier: 200,
      subscriptions: [
        { filter: "a/+", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: "é", qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
    } as const;
    expect(readPacket(writeSubscribe(packet), 5)).toEqual(packet);
  });

  it.each([
    ["[MQTT-3.1.0-1] a first packet that is not CONNECT", "c0 00", null, 0x82],
    ["[MQTT-3.1.0-2] a second CONNECT", "10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00", 5, 0x82],
    ["[MQTT-3.1.2-1] another protocol", "10 0d 00 04 4d 51 54 58 05 02 00 00 00 00 00", null, 0x84],
    ["[MQTT-3.1.2-2] another level", "10 0d 00 04 4d 51 54 54 06 02 00 00 00 00 00", null, 0x84],
    ["[MQTT-3.1.2-3] the reserved flag", "10 0d 00 04 4d 51 54 54 05 03 00 00 00 00 00", null, 0x81],
    ["[MQTT-3.1.2-11] will QoS without a will", "10 0d 00 04 4d 51 54 54 05 0a 00 00 00 00 00", null, 0x81],
    ["[MQTT-3.1.2-12] will QoS 3", "10 0d 00 04 4d 51 54 54 05 1e 00 00 00 00 00", null, 0x81],
    [
      "[MQTT311-3.1.2-22] a password without user, 3.1.1",
      "10 0f 00 04 4d 51 54 54 04 42 00 00 00 00 00 01 61",
      null,
      0x81,
    ],
    ["Receive Maximum 0", "10 10 00 04 4d 51 54 54 05 02 00 00 03 21 00 00 00 00", null, 0x82],
    ["authentication data without a method", "10 11 00 04 4d 51 54 54 05 02 00 00 04 16 00 01 61 00 00", null, 0x82],
    ["bytes behind CONNECT", "10 0e 00 04 4d 51 54 54 05 02 00 00 00 00 00 00", null, 0x81],
    ["[MQTT-3.8.1-1] flags of SUBSCRIBE", "80 07 00 01 00 00 01 61 00", 5, 0x81],
    ["[MQTT-3.8.3-2] SUBSCRIBE without a filter", "82 03 00 01 00", 5, 0x82],
    ["[MQTT-2.2.1-3] SUBSCRIBE with packet id 0", "82 07 00 00 00 00 01 61 00", 5, 0x81],
    ["Retain Handling 3", "82 07 00 01 00 00 01 61 30", 5, 0x82],
    ["[MQTT-3.8.3-5] reserved bits of a subscription", "82 07 00 01 00 00 01 61 40", 5, 0x81],
    ["QoS 3 of a subscription", "82 07 00 01 00 00 01 61 03", 5, 0x82],
    ["[MQTT-3.8.3-4] No Local on a shared filter", "82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 61 04", 5, 0x82],
    ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter", "a2 03 00 01 00", 5, 0x82],
    ["[MQTT-3.14.1-1] flags of DISCONNECT", "e1 00", 5, 0x81],
    ["DISCONNECT with a server's code", "e0 01 8b", 5, 0x82],
    ["AUTH in 3.1.1", "f0 00", 4, 0x82],
    ["a packet of the server", "20 02 00 00", 5, 0x82],
    ["packet type 0", "00 00", 5, 0x82],
  ])("refuses %s", (_name, hex, version, code) => {
    expect(refusal(() => readPacket(bytes(hex), version as ProtocolVersion | null))).toBe(code);
  });

  it("writes what mqtt-packet reads, in each version", () => {
    const connack = {
      sessionPresent: true,
      reasonCode: reasonCodes.success,
      maximumQos: 1,
      sharedSubscriptionAvailable: false,
      assignedClientIdentifier: "x",
    } as const;
    expect(parse(writeConnack(connack, 5), 5)).toMatchObject({
      cmd: "connack",
      sessionPresent: true,
      reasonCode: 0,
      properties: { maximumQoS: 1, sharedSubscriptionAvailable: false, assignedClientIdentifier: "x" },
    });
    expect([...writeConnack(connack, 4)]).toEqual([0x20, 2, 1, 0]);
    expect([...writeConnack({ sessionPresent: false, reasonCode: reasonCodes.badUserNameOrPassword }, 4)]).toEqual([
      0x20, 2, 0, 4,
    ]);
    expect([...writeSuback(1, [0, 1, 0x8f], 4)]).toEqual([0x90, 5, 0, 1, 0, 1, 0x80]);
    expect([...writeUnsuback(1, [0, 0x11], 4)]).toEqual([0xb0, 2, 0, 1]);
    expect([...writeUnsuback(1, [0, 0x11], 5)]).toEqual([0xb0, 5, 0, 1, 0, 0, 0x11]);
    expect(writeDisconnect(reasonCodes.sessionTakenOver, 4)).toHaveLength(0);
    expect(parse(writeDisconnect(reasonCodes.sessionTakenOver, 5, "why"), 5)).toMatchObject({
      reasonCode: 0x8e,
      properties: { reasonString: "why" },
    });
    expect([...writePingresp()]).toEqual([0xd0, 0]);
  });
});

describe("frames", () => {
  it("[MQTT-6.0.0-2] assembles the same packets however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(publishOf(5), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (packets, cuts) => {
          const whole = packets.map((packet) => Buffer.from(generate(packet, 5)));
          const all = Buffer.concat(whole);
          const assembler = new FrameAssembler(1_000_000);
          const got: Buffer[] = [];
          for (let at = 0, i = 0; at < all.length; i++) {
            const size = cuts[i % cuts.length] ?? 1;
            assembler.push(Uint8Array.from(all.subarray(at, at + size)), (packet) => got.push(Buffer.from(packet)) > 0);
            at += size;
          }
          expect(got).toEqual(whole);
          const split: Buffer[] = [];
          forEachPacket(all, 0, (packet) => split.push(Buffer.from(packet)));
          expect(split).toEqual(whole);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it("takes a megabyte byte by byte without growing slow", () => {
    const packet = Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x40]), Buffer.alloc(1_048_576)]);
    const assembler = new FrameAssembler(2_000_000);
    let packets = 0;
    const count = () => (packets += 1) > 0;
    for (const byte of packet) assembler.push(Uint8Array.of(byte), count);
    expect(packets).toBe(1);
    expect(assembler.heldBytes).toBe(0);
  });

  it("looks at nothing behind the packet at which it is stopped, whole or cut", () => {
    const assembler = new FrameAssembler(100);
    let seen = 0;
    const stop = () => (seen += 1) < 1;
    assembler.push(bytes("c0 00 30 80 00"), stop); // What follows is malformed.
    expect([seen, assembler.heldBytes]).toEqual([1, 0]);
    assembler.push(bytes("c0"), stop);
    assembler.push(bytes("00 30 80 00"), stop);
    expect([seen, assembler.heldBytes]).toEqual([2, 0]);
  });

  it("visits what stands before a malformed packet", () => {
    const seen: number[] = [];
    const push = () => new FrameAssembler(100).push(bytes("c0 00 e0 00 30 80 00"), ([type = 0]) => seen.push(type) > 0);
    expect(refusal(push)).toBe(0x81);
    expect(seen).toEqual([0xc0, 0xe0]);
  });

  it.each([
    ["[MQTT-1.5.5-1] a length that is not minimal", "30 80 00", 0x81],
    ["a length of five bytes", "30 ff ff ff ff 01", 0x81],
    ["a packet over the maximum, as soon as its header tells", "30 ff ff 7f", 0x95],
  ])("refuses %s", (_name, hex, code) => {
    expect(refusal(() => new FrameAssembler(100).push(bytes(hex), () => true))).toBe(code);
  });
});
