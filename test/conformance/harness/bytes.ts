// The pieces of MQTT packets as bytes. Nothing here checks anything: what breaks a rule must be writable, too.

export type Bytes = Uint8Array;

/** Joins pieces. */
export function join(...parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(Buffer.concat(parts));
}

export function hex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

export function u8(value: number): Bytes {
  return Uint8Array.of(value);
}

export function u16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u32(value: number): Bytes {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return Uint8Array.from(bytes);
}

/** A Variable Byte Integer of as few bytes as it takes. */
export function varint(value: number): Bytes {
  const bytes = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** Two bytes of length, then the text in UTF-8, or the bytes as they are. */
export function field(value: string | Bytes): Bytes {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return join(u16(bytes.length), bytes);
}

/** A packet: its first byte, the Remaining Length, what follows. */
export function packet(firstByte: number, ...body: readonly Bytes[]): Bytes {
  const rest = join(...body);
  return join(u8(firstByte), varint(rest.length), rest);
}

/** Properties behind their length. */
export function properties(list: readonly Bytes[]): Bytes {
  const bytes = join(...list);
  return join(varint(bytes.length), bytes);
}

/** Properties of 5.0, each with its identifier. */
export const property = {
  payloadFormatIndicator: (value: number) => join(u8(0x01), u8(value)),
  messageExpiryInterval: (seconds: number) => join(u8(0x02), u32(seconds)),
  contentType: (text: string | Bytes) => join(u8(0x03), field(text)),
  responseTopic: (topic: string | Bytes) => join(u8(0x08), field(topic)),
  correlationData: (data: Bytes) => join(u8(0x09), field(data)),
  subscriptionIdentifier: (id: number) => join(u8(0x0b), varint(id)),
  sessionExpiryInterval: (seconds: number) => join(u8(0x11), u32(seconds)),
  authenticationMethod: (method: string) => join(u8(0x15), field(method)),
  authenticationData: (data: string | Bytes) => join(u8(0x16), field(data)),
  requestProblemInformation: (value: number) => join(u8(0x17), u8(value)),
  willDelayInterval: (seconds: number) => join(u8(0x18), u32(seconds)),
  requestResponseInformation: (value: number) => join(u8(0x19), u8(value)),
  reasonString: (text: string) => join(u8(0x1f), field(text)),
  receiveMaximum: (value: number) => join(u8(0x21), u16(value)),
  topicAliasMaximum: (value: number) => join(u8(0x22), u16(value)),
  topicAlias: (value: number) => join(u8(0x23), u16(value)),
  userProperty: (name: string | Bytes, value: string | Bytes) => join(u8(0x26), field(name), field(value)),
  maximumPacketSize: (bytes: number) => join(u8(0x27), u32(bytes)),
} as const;
