// Properties, MQTT 5.0 section 2.2.2: which there are, of what type, in which packets, and the checks that hold of all.

import type { PacketReader } from "./packet-reader.ts";
import { malformed, protocolError } from "./packet-reader.ts";

type PropertyType = "byte" | "boolean" | "u16" | "u32" | "variable" | "utf8" | "binary" | "pair";

interface PropertyRule {
  readonly name: string;
  readonly type: PropertyType;
  /** The value 0 is a protocol error. */
  readonly nonZero?: true;
  /** May stand more than once. */
  readonly repeatable?: true;
}

/** By identifier, table 2-4. */
const rules = new Map<number, PropertyRule>([
  [0x01, { name: "Payload Format Indicator", type: "boolean" }],
  [0x02, { name: "Message Expiry Interval", type: "u32" }],
  [0x03, { name: "Content Type", type: "utf8" }],
  [0x08, { name: "Response Topic", type: "utf8" }],
  [0x09, { name: "Correlation Data", type: "binary" }],
  [0x0b, { name: "Subscription Identifier", type: "variable", nonZero: true }],
  [0x11, { name: "Session Expiry Interval", type: "u32" }],
  [0x15, { name: "Authentication Method", type: "utf8" }],
  [0x16, { name: "Authentication Data", type: "binary" }],
  [0x17, { name: "Request Problem Information", type: "boolean" }],
  [0x18, { name: "Will Delay Interval", type: "u32" }],
  [0x19, { name: "Request Response Information", type: "boolean" }],
  [0x1c, { name: "Server Reference", type: "utf8" }],
  [0x1f, { name: "Reason String", type: "utf8" }],
  [0x21, { name: "Receive Maximum", type: "u16", nonZero: true }],
  [0x22, { name: "Topic Alias Maximum", type: "u16" }],
  [0x23, { name: "Topic Alias", type: "u16" }],
  [0x26, { name: "User Property", type: "pair", repeatable: true }],
  [0x27, { name: "Maximum Packet Size", type: "u32", nonZero: true }],
]);

export const propertyIds = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  sessionExpiryInterval: 0x11,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelayInterval: 0x18,
  requestResponseInformation: 0x19,
  serverReference: 0x1c,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  userProperty: 0x26,
  maximumPacketSize: 0x27,
} as const;

/** What a client may put into each packet. */
export const allowedProperties = {
  connect: new Set([0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27]),
  will: new Set([0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26]),
  publish: new Set([0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26]),
  acknowledgement: new Set([0x1f, 0x26]),
  subscribe: new Set([0x0b, 0x26]),
  unsubscribe: new Set([0x26]),
  /** Server Reference belongs into the packet, but not to a client. */
  disconnect: new Set([0x11, 0x1c, 0x1f, 0x26]),
  auth: new Set([0x15, 0x16, 0x1f, 0x26]),
} as const;

/** Value of a property as read: a number, a string, bytes, or a pair of strings. */
export type PropertyValue = number | string | Uint8Array | readonly [string, string];

/** Reads the property length and checks every property; `visit` gets each with the place of its value. Throws
 *  MqttError. */
export function readProperties(
  reader: PacketReader,
  allowed: ReadonlySet<number>,
  visit: (id: number, value: PropertyValue, offset: number) => void,
): void {
  const length = reader.variable();
  const { end: packetEnd } = reader;
  const end = reader.at + length;
  if (end > packetEnd) throw malformed("properties are cut short");
  reader.end = end;
  const seen = new Set<number>();
  while (reader.at < end) {
    const id = reader.variable();
    const rule = rules.get(id);
    if (rule === undefined || !allowed.has(id)) throw malformed("a property does not belong into this packet");
    if (rule.repeatable !== true && seen.has(id)) throw protocolError(`${rule.name} stands twice`);
    seen.add(id);
    const offset = reader.at;
    const value = readValue(reader, rule);
    if (rule.nonZero === true && value === 0) throw protocolError(`${rule.name} is 0`);
    visit(id, value, offset);
  }
  reader.end = packetEnd;
}

function readValue(reader: PacketReader, rule: PropertyRule): PropertyValue {
  switch (rule.type) {
    case "byte":
      return reader.u8();
    case "boolean": {
      const value = reader.u8();
      if (value > 1) throw protocolError(`${rule.name} is neither 0 nor 1`);
      return value;
    }
    case "u16":
      return reader.u16();
    case "u32":
      return reader.u32();
    case "variable":
      return reader.variable();
    case "utf8":
      return reader.utf8();
    case "binary":
      return reader.binary();
    case "pair":
      return [reader.utf8(), reader.utf8()];
    default:
      rule.type satisfies never;
      return 0;
  }
}
