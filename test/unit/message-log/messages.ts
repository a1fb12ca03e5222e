// Messages and sessions for tests of the message log.

import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Message } from "../../../src/broker/session/message.ts";

export const plain = { qos: 1, retain: false, identifiers: [], share: "" } as const;

export function message(bytes = 64): Message {
  const payload = new Uint8Array(bytes);
  const fields = { topic: "t", qos: 1, retain: false, packetId: 1, properties: new Uint8Array(), payload } as const;
  return new Message(readTrustedPublish(writePublish(fields)), 0, 0);
}

/** Sessions with uids as they are in life, far apart. */
export function uidOf(i: number): number {
  return 1 + Number((BigInt(i) * 0x9e37_79b9_7f4bn) % 2n ** 52n);
}
