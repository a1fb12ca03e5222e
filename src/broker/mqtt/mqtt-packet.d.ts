// What the broker uses of mqtt-packet, declared narrowly: its own types need Node's.

/** A packet in mqtt-packet's shape; fields that a packet lacks are undefined. */
export interface ForeignPacket {
  cmd: string;
  [field: string]: unknown;
}

export interface Parser {
  on(event: "packet", listener: (packet: ForeignPacket) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  /** Takes a Buffer or Uint8Array; returns the number of bytes left. */
  parse(bytes: Uint8Array): number;
}

declare const mqttPacket: {
  parser(options: { protocolVersion: number }): Parser;
  generate(packet: ForeignPacket, options: { protocolVersion: number }): Uint8Array;
};

export default mqttPacket;
