// Control packets against mqtt-packet, in both directions: what it writes is read, and what is written it reads. PUBLISH and
// CONNECT are in codec.test.ts.

import fc from "fast-check";
import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { readAcknowledgement, writeAcknowledgement } from "../../../src/broker/mqtt/acknowledgement.ts";
import { readPacket } from "../../../src/broker/mqtt/control-packets.ts";
import type { ConnackFields, ProtocolVersion, QoS } from "../../../src/broker/mqtt/packets.ts";
import type { ReasonCode } from "../../../src/broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import {
  writeAuth,
  writeConnack,
  writeDisconnect,
  writeDisconnectFromClient,
  writeSuback,
  writeSubscribe,
  writeUnsuback,
  writeUnsubscribe,
} from "../../../src/broker/mqtt/server-packets.ts";

const RUNS = { seed: 20_261_127, numRuns: 500 };

function generate(packet: Packet, protocolVersion: ProtocolVersion): Uint8Array {
  return mqttPacket.generate(packet, { protocolVersion });
}

function parse(packet: Uint8Array, protocolVersion: ProtocolVersion): Record<string, unknown> {
  let parsed: unknown;
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (each) => {
    parsed = each;
  });
  parser.parse(Buffer.from(packet));
  if (parsed === undefined) throw new Error("not parsed");
  return parsed as Record<string, unknown>;
}

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
const packetId = fc.integer({ min: 1, max: 65_535 });
const seconds = fc.integer({ min: 0, max: 0xffff_ffff });
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const word = text.filter((each) => !/[\p{Cc}\p{Cs}\ufffe\uffff+#/$]/u.test(each));
const level = fc.oneof({ weight: 4, arbitrary: word }, fc.constant("+"), fc.constant(""));
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ["#"] : [])].join("/"))
  .filter((each) => each !== "");
/** At least one: mqtt-packet writes nothing at all of a packet with none in the list. */
const userProperties = fc.dictionary(word, word, { minKeys: 1, maxKeys: 3, noNullPrototype: true });

const acknowledgements = {
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
} as const;
const acknowledgement = fc
  .constantFrom(...(Object.keys(acknowledgements) as (keyof typeof acknowledgements)[]))
  .chain((type) => fc.tuple(fc.constant(type), fc.constantFrom<number>(...acknowledgements[type])));

/** With which a server ends a connection, table 3-10. */
const disconnectCodes = [
  0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
] as const;

describe("what mqtt-packet writes", () => {
  it("is read: PUBACK, PUBREC, PUBREL, PUBCOMP, with every reason code, reason strings and user properties", () => {
    const properties = fc.record({ reasonString: word, userProperties }, { requiredKeys: [] });
    fc.assert(
      fc.property(acknowledgement, packetId, properties, version, ([type, code], id, said, as) => {
        const reasonCode = as === 5 ? code : 0;
        const packet = { cmd: type, messageId: id, reasonCode, properties: said } as Packet;
        expect(readAcknowledgement(generate(packet, as), as)).toEqual({ type, packetId: id, reasonCode });
      }),
      RUNS,
    );
  });

  it("is read: SUBSCRIBE", () => {
    const subscription = fc.record({
      topic: filter,
      qos: fc.constantFrom<QoS>(0, 1, 2),
      nl: fc.boolean(),
      rap: fc.boolean(),
      rh: fc.constantFrom(0, 1, 2),
    });
    const subscriptions = fc.array(subscription, { minLength: 1, maxLength: 4 });
    const identifier = fc.option(fc.integer({ min: 1, max: 268_435_455 }), { nil: undefined });
    fc.assert(
      fc.property(subscriptions, packetId, identifier, userProperties, version, (asked, id, number, user, as) => {
        const said = number === undefined ? {} : { subscriptionIdentifier: number };
        const properties = { ...said, userProperties: user };
        const packet = { cmd: "subscribe", messageId: id, subscriptions: asked, properties } as Packet;
        expect(readPacket(generate(packet, as), as)).toEqual({
          type: "subscribe",
          packetId: id,
          subscriptionIdentifier: as === 5 ? (number ?? null) : null,
          subscriptions: asked.map(({ topic, qos, nl, rap, rh }) => ({
            filter: topic,
            qos,
            noLocal: as === 5 && nl,
            retainAsPublished: as === 5 && rap,
            retainHandling: as === 5 ? rh : 0,
          })),
        });
      }),
      RUNS,
    );
  });

  it("is read: UNSUBSCRIBE", () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 4 }), packetId, version, (filters, id, as) => {
        const packet = { cmd: "unsubscribe", messageId: id, unsubscriptions: filters } as Packet;
        expect(readPacket(generate(packet, as), as)).toEqual({ type: "unsubscribe", packetId: id, filters });
      }),
      RUNS,
    );
  });

  it("is read: DISCONNECT and AUTH", () => {
    const code = fc.constantFrom(0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99);
    const data = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(code, fc.option(seconds, { nil: undefined }), userProperties, (reasonCode, expiry, user) => {
        const said = expiry === undefined ? {} : { sessionExpiryInterval: expiry };
        const packet = { cmd: "disconnect", reasonCode, properties: { ...said, userProperties: user } } as Packet;
        const expected = { type: "disconnect", reasonCode, sessionExpiryInterval: expiry ?? null };
        expect(readPacket(generate(packet, 5), 5)).toEqual(expected);
      }),
      RUNS,
    );
    fc.assert(
      fc.property(fc.constantFrom(0x18, 0x19), word, data, (reasonCode, method, bytes) => {
        const properties = { authenticationMethod: method, authenticationData: Buffer.from(bytes) };
        const packet = { cmd: "auth", reasonCode, properties } as Packet;
        expect(readPacket(generate(packet, 5), 5)).toEqual({
          type: "auth",
          reasonCode,
          authenticationMethod: method,
          authenticationData: bytes,
        });
      }),
      RUNS,
    );
  });
});

describe("what is written", () => {
  it("mqtt-packet reads: acknowledgements", () => {
    fc.assert(
      fc.property(acknowledgement, packetId, version, ([type, code], id, as) => {
        const read = parse(writeAcknowledgement(type, id, code, as), as);
        expect(read).toMatchObject({ cmd: type, messageId: id });
        if (as === 5) expect(read["reasonCode"] ?? 0).toBe(code);
      }),
      RUNS,
    );
  });

  it("mqtt-packet reads: CONNACK with all that it may carry", () => {
    const u16 = fc.integer({ min: 1, max: 0xffff });
    const said = fc.record(
      {
        reasonString: word,
        sessionExpiryInterval: seconds,
        receiveMaximum: u16,
        retainAvailable: fc.boolean(),
        maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
        assignedClientIdentifier: word,
        topicAliasMaximum: u16,
        wildcardSubscriptionAvailable: fc.boolean(),
        subscriptionIdentifiersAvailable: fc.boolean(),
        sharedSubscriptionAvailable: fc.boolean(),
        serverKeepAlive: u16,
        responseInformation: word,
        authenticationMethod: word,
      },
      { requiredKeys: [] },
    );
    const code = fc.constantFrom<ReasonCode>(0x00, 0x80, 0x85, 0x86, 0x87, 0x89, 0x8c, 0x95, 0x97, 0x9f);
    fc.assert(
      fc.property(code, fc.boolean(), said, fc.constantFrom(0, 1, undefined), (reasonCode, present, fields, qos) => {
        const maximumQos = qos === undefined ? {} : { maximumQos: qos };
        const connack = { sessionPresent: present, reasonCode, ...fields, ...maximumQos } as ConnackFields;
        const read = parse(writeConnack(connack, 5), 5);
        expect(read).toMatchObject({ cmd: "connack", sessionPresent: present, reasonCode });
        expect(read["properties"] ?? {}).toEqual({ ...fields, ...(qos === undefined ? {} : { maximumQoS: qos }) });
      }),
      RUNS,
    );
  });

  it("mqtt-packet reads: SUBACK, UNSUBACK, DISCONNECT, AUTH", () => {
    const granted = fc.array(fc.constantFrom(0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x97, 0x9e), { minLength: 1 });
    const removed = fc.array(fc.constantFrom(0, 0x11, 0x83, 0x87, 0x8f), { minLength: 1 });
    const ends = fc.constantFrom<ReasonCode>(...disconnectCodes);
    fc.assert(
      fc.property(granted, removed, packetId, ends, word, (suback, unsuback, messageId, reasonCode, why) => {
        expect(parse(writeSuback(messageId, suback, 5), 5)).toMatchObject({ messageId, granted: suback });
        expect(parse(writeSuback(messageId, suback, 4), 4)).toMatchObject({
          messageId,
          granted: suback.map((code) => Math.min(code, 0x80)),
        });
        expect(parse(writeUnsuback(messageId, unsuback, 5), 5)).toMatchObject({ messageId, granted: unsuback });
        expect(parse(writeUnsuback(messageId, unsuback, 4), 4)).toMatchObject({ cmd: "unsuback", messageId });
        expect(parse(writeDisconnect(reasonCode, 5, why), 5)).toMatchObject({
          cmd: "disconnect",
          reasonCode,
          properties: { reasonString: why },
        });
        expect(parse(writeAuth(reasonCodes.continueAuthentication, why, why), 5)).toMatchObject({
          cmd: "auth",
          reasonCode: 0x18,
          properties: { authenticationMethod: why, authenticationData: Buffer.from(why) },
        });
      }),
      RUNS,
    );
  });

  it("is read as it was: SUBSCRIBE, UNSUBSCRIBE and DISCONNECT for the link", () => {
    const subscription = fc.record({
      filter,
      qos: fc.constantFrom<QoS>(0, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
    });
    const identifier = fc.option(fc.integer({ min: 1, max: 268_435_455 }));
    fc.assert(
      fc.property(fc.array(subscription, { minLength: 1 }), packetId, identifier, (subscriptions, id, number) => {
        const subscribe = { type: "subscribe", packetId: id, subscriptionIdentifier: number, subscriptions } as const;
        expect(readPacket(writeSubscribe(subscribe), 5)).toEqual(subscribe);
        const filters = subscriptions.map((each) => each.filter);
        const unsubscribe = { type: "unsubscribe", packetId: id, filters } as const;
        expect(readPacket(writeUnsubscribe(unsubscribe), 5)).toEqual(unsubscribe);
      }),
      RUNS,
    );
    fc.assert(
      fc.property(fc.constantFrom(0x00, 0x04), fc.option(seconds), (reasonCode, sessionExpiryInterval) => {
        const disconnect = { type: "disconnect", reasonCode, sessionExpiryInterval } as const;
        expect(readPacket(writeDisconnectFromClient(disconnect), 5)).toEqual(disconnect);
      }),
      RUNS,
    );
  });
});
