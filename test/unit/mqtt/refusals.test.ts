// What a client may not send, statement by statement: MQTT 5.0 by its own ids, 3.1.1 as MQTT311. The reason code is what a
// 5.0 client is told; before 5.0 any refusal closes the connection. Bytes in hexadecimal, text in quotes.

import { describe, expect, it } from "vitest";
import { readPacket } from "../../../src/broker/mqtt/control-packets.ts";
import { MqttError } from "../../../src/broker/mqtt/mqtt-error.ts";
import type { ProtocolVersion } from "../../../src/broker/mqtt/packets.ts";

const MALFORMED = 0x81;
const PROTOCOL_ERROR = 0x82;
const UNSUPPORTED = 0x84;
const CLIENT_ID_INVALID = 0x85;
const ALIAS_INVALID = 0x94;

/** `0a 'text' 0001` as bytes: hexadecimal as it is, text with its length before it. */
function body(notation: string): number[] {
  return [...notation.matchAll(/'([^']*)'|([0-9a-f]{2})/g)].flatMap(([, text, hex]) => {
    if (text === undefined) return [Number.parseInt(hex ?? "", 16)];
    const bytes = [...new TextEncoder().encode(text)];
    return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
  });
}

/** A packet with its length put in. */
function packet(first: number, notation: string): Uint8Array {
  const rest = body(notation);
  if (rest.length > 127) throw new RangeError("longer than these tests need");
  return Uint8Array.of(first, rest.length, ...rest);
}

/** The reason code of the refusal; null: it was read. */
function refusal(bytes: Uint8Array, version: ProtocolVersion | null): number | null {
  try {
    readPacket(bytes, version);
    return null;
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode;
    throw error;
  }
}

type Case = readonly [title: string, first: number, notation: string, reasonCode: number];

describe("CONNECT", () => {
  const cases: readonly Case[] = [
    ["[MQTT-2.1.3-1] flags of the fixed header", 0x11, "'MQTT' 05 02 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-1] another protocol name", 0x10, "'MQTx' 05 02 003c 00 'c'", UNSUPPORTED],
    ["[MQTT-3.1.2-2] another version", 0x10, "'MQTT' 06 02 003c 00 'c'", UNSUPPORTED],
    ["[MQTT-3.1.2-2] the old name with a new version", 0x10, "'MQIsdp' 04 02 003c 'c'", UNSUPPORTED],
    ["[MQTT-3.1.2-3] the reserved flag", 0x10, "'MQTT' 05 03 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-11] will QoS without a will", 0x10, "'MQTT' 05 0a 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-12] will QoS 3", 0x10, "'MQTT' 05 1e 003c 00 'c' 00 'w' 'p'", MALFORMED],
    ["[MQTT-3.1.2-13] will retain without a will", 0x10, "'MQTT' 05 22 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-16] a user name flag without a user name", 0x10, "'MQTT' 05 82 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-18] a password flag without a password", 0x10, "'MQTT' 05 42 003c 00 'c'", MALFORMED],
    ["[MQTT-3.1.2-17] a user name without its flag", 0x10, "'MQTT' 05 02 003c 00 'c' 'u'", MALFORMED],
    ["[MQTT-3.1.3-1] no client id", 0x10, "'MQTT' 05 02 003c 00", MALFORMED],
    ["[MQTT-3.1.3-4] a client id that is no UTF-8", 0x10, "'MQTT' 05 02 003c 00 0001ff", MALFORMED],
    ["[MQTT-3.1.3-11] a will topic that is no UTF-8", 0x10, "'MQTT' 05 06 003c 00 'c' 00 0001ff 'p'", MALFORMED],
    ["[MQTT-3.1.3-12] a user name that is no UTF-8", 0x10, "'MQTT' 05 82 003c 00 'c' 0001ff", MALFORMED],
    ["[MQTT-1.5.4-1] a surrogate in the client id", 0x10, "'MQTT' 05 02 003c 00 0003eda080", MALFORMED],
    ["[MQTT-1.5.4-2] U+0000 in the client id", 0x10, "'MQTT' 05 02 003c 00 '\0'", MALFORMED],
    ["[MQTT-1.5.5-1] a property length that is not minimal", 0x10, "'MQTT' 05 02 003c 8000 'c'", MALFORMED],
    ["a property of PUBLISH", 0x10, "'MQTT' 05 02 003c 03 230001 'c'", MALFORMED],
    ["a property that there is not", 0x10, "'MQTT' 05 02 003c 02 0400 'c'", MALFORMED],
    ["properties longer than the packet", 0x10, "'MQTT' 05 02 003c 7f 'c'", MALFORMED],
    ["Session Expiry Interval twice", 0x10, "'MQTT' 05 02 003c 0a 1100000001 1100000001 'c'", PROTOCOL_ERROR],
    ["Maximum Packet Size 0", 0x10, "'MQTT' 05 02 003c 05 2700000000 'c'", PROTOCOL_ERROR],
    ["Request Response Information 2", 0x10, "'MQTT' 05 02 003c 02 1902 'c'", PROTOCOL_ERROR],
    ["Request Problem Information 2", 0x10, "'MQTT' 05 02 003c 02 1702 'c'", PROTOCOL_ERROR],
    ["Authentication Method twice", 0x10, "'MQTT' 05 02 003c 08 15 'a' 15 'a' 'c'", PROTOCOL_ERROR],
    ["Will Delay Interval twice", 0x10, "'MQTT' 05 06 003c 00 'c' 0a 1800000001 1800000001 'w' 'p'", PROTOCOL_ERROR],
    ["a topic alias for a will", 0x10, "'MQTT' 05 06 003c 00 'c' 03 230001 'w' 'p'", MALFORMED],
    ["[MQTT-4.7.1-1] a wildcard in the will's topic", 0x10, "'MQTT' 05 06 003c 00 'c' 00 'w/+' 'p'", MALFORMED],
    ["[MQTT-3.3.2-14] one in its response topic", 0x10, "'MQTT' 05 06 003c 00 'c' 04 08 '#' 'w' 'p'", PROTOCOL_ERROR],
    ["a control character in the will's topic", 0x10, "'MQTT' 05 06 003c 00 'c' 00 0002611f 'p'", MALFORMED],
    ["a control character in the client id", 0x10, "'MQTT' 05 02 003c 00 0002617f", CLIENT_ID_INVALID],
    ["the same in 3.1.1", 0x10, "'MQTT' 04 02 003c 0002617f", MALFORMED],
    ["[MQTT-4.7.3-1] an empty will topic", 0x10, "'MQTT' 05 06 003c 00 'c' 00 '' 'p'", MALFORMED],
    ["[MQTT311-3.1.2-22] a password without a user name", 0x10, "'MQTT' 04 42 003c 'c' 'p'", MALFORMED],
    ["[MQTT311-3.1.2-3] the reserved flag of 3.1.1", 0x10, "'MQTT' 04 03 003c 'c'", MALFORMED],
    ["[MQTT311-1.5.3-1] a client id of 3.1.1 that is no UTF-8", 0x10, "'MQTT' 04 02 003c 0001ff", MALFORMED],
  ];

  it.each(cases)("%s", (_title, first, notation, reasonCode) => {
    expect(refusal(packet(first, notation), null)).toBe(reasonCode);
  });

  it.each([
    ["5.0: a password without a user name", "'MQTT' 05 42 003c 00 'c' 'p'"],
    ["[MQTT-1.5.4-3] a byte order mark is kept", "'MQTT' 05 02 003c 00 '\ufeffc'"],
    ["3.1.1: an empty client id", "'MQTT' 04 02 003c ''"],
    ["3.1: a client id of more than 23 bytes", `'MQIsdp' 03 02 003c '${"c".repeat(60)}'`],
  ])("%s is read", (_title, notation) => {
    expect(refusal(packet(0x10, notation), null)).toBeNull();
  });
});

describe("5.0, once connected", () => {
  const cases: readonly Case[] = [
    ["[MQTT-3.3.1-2] DUP at QoS 0", 0x38, "'a' 00", MALFORMED],
    ["[MQTT-3.3.1-4] QoS 3", 0x36, "'a' 0001 00", MALFORMED],
    ["[MQTT-2.2.1-3] PUBLISH with packet id 0", 0x34, "'a' 0000 00", PROTOCOL_ERROR],
    ["[MQTT-3.3.2-1] a topic that is no UTF-8", 0x30, "0001ff 00", MALFORMED],
    ["[MQTT-3.3.2-2] a wildcard in a topic", 0x30, "'a/#' 00", MALFORMED],
    ["[MQTT-4.7.3-2] U+0000 in a topic", 0x30, "'a\0' 00", MALFORMED],
    ["[MQTT-3.3.2-8] topic alias 0", 0x30, "'a' 03 230000", ALIAS_INVALID],
    ["[MQTT-3.3.2-13] a response topic that is no UTF-8", 0x30, "'a' 04 080001ff", MALFORMED],
    ["a control character in a topic", 0x30, "000361c29f 00", MALFORMED],
    ["a property whose value is behind the properties", 0x30, "'a' 01 01 00", MALFORMED],
    ["[MQTT-3.3.2-14] a wildcard in the response topic", 0x30, "'a' 06 08 'b/+'", PROTOCOL_ERROR],
    ["[MQTT-3.3.4-6] a subscription identifier from a client", 0x30, "'a' 02 0b01", PROTOCOL_ERROR],
    ["neither a topic nor an alias", 0x30, "'' 00", PROTOCOL_ERROR],
    ["a topic alias twice", 0x30, "'a' 06 230001 230001", PROTOCOL_ERROR],
    ["a Payload Format Indicator of 2", 0x30, "'a' 02 0102", PROTOCOL_ERROR],
    ["[MQTT-3.6.1-1] flags of PUBREL", 0x60, "0001", MALFORMED],
    ["[MQTT-2.1.3-1] flags of PUBACK", 0x42, "0001", MALFORMED],
    ["[MQTT-2.2.1-5] PUBACK of packet id 0", 0x40, "0000", PROTOCOL_ERROR],
    ["[MQTT-3.4.2-1] PUBACK with a reason code of another packet", 0x40, "0001 92", PROTOCOL_ERROR],
    ["[MQTT-3.5.2-1] PUBREC with a reason code of another packet", 0x50, "0001 92", PROTOCOL_ERROR],
    ["[MQTT-3.6.2-1] PUBREL with a reason code of another packet", 0x62, "0001 80", PROTOCOL_ERROR],
    ["[MQTT-3.7.2-1] PUBCOMP with a reason code of another packet", 0x70, "0001 10", PROTOCOL_ERROR],
    ["PUBACK with a Reason String twice", 0x40, "0001 00 08 1f 'a' 1f 'a'", PROTOCOL_ERROR],
    ["PUBREL with a property of PUBLISH", 0x62, "0001 00 03 230001", MALFORMED],
    ["bytes behind PUBCOMP", 0x70, "0001 00 00 00", MALFORMED],
    ["[MQTT-3.8.1-1] flags of SUBSCRIBE", 0x80, "0001 00 'a' 00", MALFORMED],
    ["[MQTT-2.2.1-3] SUBSCRIBE with packet id 0", 0x82, "0000 00 'a' 00", MALFORMED],
    ["[MQTT-3.8.3-1] a filter that is no UTF-8", 0x82, "0001 00 0001ff 00", MALFORMED],
    ["[MQTT-3.8.3-2] SUBSCRIBE without a filter", 0x82, "0001 00", PROTOCOL_ERROR],
    ["[MQTT-3.8.3-4] No Local on a shared filter", 0x82, "0001 00 '$share/g/a' 04", PROTOCOL_ERROR],
    ["[MQTT-3.8.3-5] reserved bits of a subscription", 0x82, "0001 00 'a' 80", MALFORMED],
    ["maximum QoS 3 of a subscription", 0x82, "0001 00 'a' 03", PROTOCOL_ERROR],
    ["Retain Handling 3", 0x82, "0001 00 'a' 30", PROTOCOL_ERROR],
    ["Subscription Identifier 0", 0x82, "0001 02 0b00 'a' 00", PROTOCOL_ERROR],
    ["Subscription Identifier twice", 0x82, "0001 04 0b01 0b01 'a' 00", PROTOCOL_ERROR],
    ["a filter without its options", 0x82, "0001 00 'a'", MALFORMED],
    ["[MQTT-3.10.1-1] flags of UNSUBSCRIBE", 0xa0, "0001 00 'a'", MALFORMED],
    ["[MQTT-4.7.3-1] SUBSCRIBE to an empty filter", 0x82, "0001 00 '' 00", MALFORMED],
    ["[MQTT-4.7.1-1] SUBSCRIBE with a wildcard out of place", 0x82, "0001 00 'a/#/b' 00", MALFORMED],
    ["[MQTT-4.8.2-1] SUBSCRIBE to a share of no filter", 0x82, "0001 00 '$share/g' 00", PROTOCOL_ERROR],
    ["[MQTT-4.8.2-1] SUBSCRIBE to a share of an empty filter", 0x82, "0001 00 '$share/g/' 00", PROTOCOL_ERROR],
    [
      "[MQTT-4.8.2-2] SUBSCRIBE to a share with a wildcard for a group",
      0x82,
      "0001 00 '$share/+/a' 00",
      PROTOCOL_ERROR,
    ],
    ["SUBSCRIBE with a control character", 0x82, "0001 00 0002611f 00", MALFORMED],
    ["[MQTT-4.7.3-1] UNSUBSCRIBE from an empty filter", 0xa2, "0001 00 ''", MALFORMED],
    ["UNSUBSCRIBE with a control character", 0xa2, "0001 00 0002617f", MALFORMED],
    ["[MQTT-2.2.1-3] UNSUBSCRIBE with packet id 0", 0xa2, "0000 00 'a'", MALFORMED],
    ["[MQTT-3.10.3-1] a filter of UNSUBSCRIBE that is no UTF-8", 0xa2, "0001 00 0001ff", MALFORMED],
    ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter", 0xa2, "0001 00", PROTOCOL_ERROR],
    ["UNSUBSCRIBE with a Subscription Identifier", 0xa2, "0001 02 0b01 'a'", MALFORMED],
    ["flags of PINGREQ", 0xc1, "", MALFORMED],
    ["PINGREQ that says something", 0xc0, "00", MALFORMED],
    ["[MQTT-3.14.1-1] flags of DISCONNECT", 0xe2, "", MALFORMED],
    ["[MQTT-3.14.2-1] DISCONNECT with a server's reason", 0xe0, "8e", PROTOCOL_ERROR],
    ["DISCONNECT with a reason of CONNACK", 0xe0, "86", PROTOCOL_ERROR],
    ["DISCONNECT with a Session Expiry Interval twice", 0xe0, "00 0a 1100000001 1100000001", PROTOCOL_ERROR],
    ["DISCONNECT with a Server Reference, which is the server's", 0xe0, "00 04 1c000170", PROTOCOL_ERROR],
    ["DISCONNECT with a Server Reference twice", 0xe0, "00 08 1c000170 1c000171", PROTOCOL_ERROR],
    ["[MQTT-3.15.1-1] flags of AUTH", 0xf1, "18 04 15 'X'", MALFORMED],
    ["[MQTT-3.15.2-1] AUTH with a server's reason", 0xf0, "00 04 15 'X'", PROTOCOL_ERROR],
    ["[MQTT-3.15.2-1] AUTH that leaves out its reason, which means success", 0xf0, "", PROTOCOL_ERROR],
    ["AUTH without a method", 0xf0, "18 00", PROTOCOL_ERROR],
    ["AUTH with a method twice", 0xf0, "18 08 15 'X' 15 'X'", PROTOCOL_ERROR],
    ["[MQTT-3.1.0-2] CONNECT", 0x10, "'MQTT' 05 02 003c 00 'c'", PROTOCOL_ERROR],
    ["CONNACK", 0x20, "00 00 00", PROTOCOL_ERROR],
    ["SUBACK", 0x90, "0001 00 00", PROTOCOL_ERROR],
    ["UNSUBACK", 0xb0, "0001 00 00", PROTOCOL_ERROR],
    ["PINGRESP", 0xd0, "", PROTOCOL_ERROR],
    ["packet type 0", 0x00, "", PROTOCOL_ERROR],
  ];

  it.each(cases)("%s", (_title, first, notation, reasonCode) => {
    expect(refusal(packet(first, notation), 5)).toBe(reasonCode);
  });

  it.each([
    ["PUBREL that found nothing", 0x62, "0001 92"],
    ["PUBREC that refuses", 0x50, "0001 97 04 1f 'a'"],
    ["User Properties of one name", 0x30, "'a' 0e 26 'k' 'v' 26 'k' 'v'"],
    ["DISCONNECT with the will", 0xe0, "04"],
    ["DISCONNECT that says nothing", 0xe0, ""],
  ])("%s is read", (_title, first, notation) => {
    expect(refusal(packet(first, notation), 5)).toBeNull();
  });
});

describe("3.1.1, once connected", () => {
  it.each([
    ["[MQTT311-2.2.2-2] flags of SUBSCRIBE", 0x80, "0001 'a' 00"],
    ["[MQTT311-2.3.1-1] SUBSCRIBE with packet id 0", 0x82, "0000 'a' 00"],
    ["[MQTT311-2.3.1-1] UNSUBSCRIBE with packet id 0", 0xa2, "0000 'a'"],
    ["[MQTT311-2.3.1-1] PUBLISH with packet id 0", 0x32, "'a' 0000"],
    ["[MQTT311-3.3.1-2] DUP at QoS 0", 0x38, "'a'"],
    ["[MQTT311-3.3.1-4] QoS 3", 0x36, "'a' 0001"],
    ["[MQTT311-3.3.2-2] a wildcard in a topic", 0x30, "'a/+'"],
    ["[MQTT311-4.7.3-1] an empty topic", 0x30, "''"],
    ["[MQTT311-1.5.3-2] U+0000 in a topic", 0x30, "'a\0'"],
    ["[MQTT311-3.6.1-1] flags of PUBREL", 0x60, "0001"],
    ["a PUBREL with a reason code", 0x62, "0001 00"],
    ["[MQTT311-3.8.3-3] SUBSCRIBE without a filter", 0x82, "0001"],
    ["[MQTT311-3.8.3-4] reserved bits of a subscription", 0x82, "0001 'a' 04"],
    ["[MQTT311-3.8.3-4] QoS 3 of a subscription", 0x82, "0001 'a' 03"],
    ["[MQTT311-3.10.1-1] flags of UNSUBSCRIBE", 0xa0, "0001 'a'"],
    ["[MQTT311-3.10.3-2] UNSUBSCRIBE without a filter", 0xa2, "0001"],
    ["[MQTT311-3.14.1-1] flags of DISCONNECT", 0xe1, ""],
    ["DISCONNECT with a reason code", 0xe0, "00"],
    ["AUTH, which it has not", 0xf0, ""],
    ["[MQTT311-3.1.0-2] CONNECT", 0x10, "'MQTT' 04 02 003c 'c'"],
  ])("%s closes the connection", (_title, first, notation) => {
    expect(refusal(packet(first, notation), 4)).not.toBeNull();
  });
});

describe("3.1, once connected", () => {
  it.each([
    ["SUBSCRIBE", 0x8a, "0001 'a' 01"],
    ["UNSUBSCRIBE", 0xaa, "0001 'a'"],
    ["PUBREL", 0x6a, "0001"],
  ])("3.1 section 2.1: %s is sent again with DUP", (_title, first, notation) => {
    expect(readPacket(packet(first, notation), 3)).toEqual(readPacket(packet((first & 0xf0) | 2, notation), 3));
    expect(refusal(packet(first, notation), 4)).toBe(MALFORMED);
  });

  it("3.1 section 2.1: flags that are unused say nothing", () => {
    for (const first of [0xc1, 0xe2]) expect(refusal(packet(first, ""), 3)).toBeNull();
    expect(refusal(packet(0x42, "0001"), 3)).toBeNull();
    expect(refusal(packet(0x36, "'a' 0001"), 3)).toBe(MALFORMED);
  });
});
