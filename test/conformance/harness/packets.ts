// Builders of a client's packets, in either version. Each has defaults that are legal, and lets a test break any of them.

import type { Bytes } from "./bytes.ts";
import { field, join, packet, properties, u16, u8 } from "./bytes.ts";

/** 4 is 3.1.1. */
export type Version = 4 | 5;

export interface Will {
  topic: string | Bytes;
  payload?: string | Bytes;
  qos?: number;
  retain?: boolean;
  properties?: readonly Bytes[];
}

export interface ConnectOptions {
  clientId: string | Bytes;
  protocolName?: string;
  protocolLevel?: number;
  /** Instead of the flags that follow from the other fields. */
  flags?: number;
  clean?: boolean;
  keepAlive?: number;
  properties?: readonly Bytes[];
  will?: Will;
  username?: string | Bytes;
  password?: string | Bytes;
  /** Behind the last field. */
  tail?: Bytes;
}

export interface PublishOptions {
  topic: string | Bytes;
  payload?: string | Bytes;
  qos?: number;
  packetId?: number;
  dup?: boolean;
  retain?: boolean;
  properties?: readonly Bytes[];
}

export interface SubscribeFilter {
  filter: string | Bytes;
  qos?: number;
  noLocal?: boolean;
  retainAsPublished?: boolean;
  retainHandling?: number;
  /** Instead of the byte that follows from the other fields. */
  options?: number;
}

export function connect(version: Version, options: ConnectOptions): Bytes {
  const { will, username, password } = options;
  const flags =
    (options.clean === false ? 0 : 0x02) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80);
  return packet(
    0x10,
    field(options.protocolName ?? "MQTT"),
    u8(options.protocolLevel ?? version),
    u8(options.flags ?? flags),
    u16(options.keepAlive ?? 60),
    of5(version, options.properties),
    field(options.clientId),
    will === undefined
      ? none
      : join(of5(version, will.properties), field(will.topic), field(will.payload ?? "the will")),
    username === undefined ? none : field(username),
    password === undefined ? none : field(password),
    options.tail ?? none,
  );
}

/** A packet id is written at QoS 1 and 2. */
export function publish(version: Version, options: PublishOptions): Bytes {
  const { qos = 0, packetId = 1, payload = "payload" } = options;
  return packet(
    0x30 | (options.dup === true ? 8 : 0) | (qos << 1) | (options.retain === true ? 1 : 0),
    field(options.topic),
    qos === 0 ? none : u16(packetId),
    of5(version, options.properties),
    typeof payload === "string" ? Buffer.from(payload) : payload,
  );
}

const acknowledgements = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** PUBACK, PUBREC, PUBREL or PUBCOMP; the reason code (5.0 alone) is left out if not given. */
export function acknowledge(type: keyof typeof acknowledgements, packetId: number, reasonCode?: number): Bytes {
  return packet(acknowledgements[type], u16(packetId), reasonCode === undefined ? none : u8(reasonCode));
}

export function subscribe(
  version: Version,
  packetId: number,
  filters: readonly SubscribeFilter[],
  propertyList: readonly Bytes[] = [],
): Bytes {
  const payload = filters.map((each) => join(field(each.filter), u8(each.options ?? optionsOf(each))));
  return packet(0x82, u16(packetId), of5(version, propertyList), ...payload);
}

export function unsubscribe(
  version: Version,
  packetId: number,
  filters: readonly (string | Bytes)[],
  propertyList: readonly Bytes[] = [],
): Bytes {
  return packet(0xa2, u16(packetId), of5(version, propertyList), ...filters.map((filter) => field(filter)));
}

export function pingreq(): Bytes {
  return packet(0xc0);
}

/** With neither reason code nor properties it is the short form, the only one of 3.1.1. */
export function disconnect(reasonCode?: number, propertyList?: readonly Bytes[]): Bytes {
  if (reasonCode === undefined) return packet(0xe0);
  return packet(0xe0, u8(reasonCode), propertyList === undefined ? none : properties(propertyList));
}

export function auth(reasonCode: number, propertyList: readonly Bytes[]): Bytes {
  return packet(0xf0, u8(reasonCode), properties(propertyList));
}

const none = new Uint8Array();

function of5(version: Version, list: readonly Bytes[] = []): Bytes {
  return version === 5 ? properties(list) : none;
}

function optionsOf({ qos = 0, noLocal, retainAsPublished, retainHandling = 0 }: SubscribeFilter): number {
  return qos | (noLocal === true ? 4 : 0) | (retainAsPublished === true ? 8 : 0) | (retainHandling << 4);
}
