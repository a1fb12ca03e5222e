// PUBACK, PUBREC, PUBREL and PUBCOMP, MQTT 5.0 sections 3.4 to 3.7.

import { writeU16 } from "./packet-bytes.ts";
import { malformed, PacketReader, protocolError, variableHeaderOffset } from "./packet-reader.ts";
import type { Acknowledgement, ProtocolVersion } from "./packets.ts";
import { allowedProperties, readProperties } from "./properties.ts";
import { reasonCodes } from "./reason-codes.ts";

/** First byte of each kind, with the flags that it must carry. */
const firstBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** An acknowledgement without a reason code is its packet id alone. */
const BARE_REMAINING_LENGTH = 2;

type Kind = Acknowledgement["type"];

const kinds = new Map<number, Kind>([
  [firstBytes.puback, "puback"],
  [firstBytes.pubrec, "pubrec"],
  [firstBytes.pubrel, "pubrel"],
  [firstBytes.pubcomp, "pubcomp"],
]);

const published: readonly number[] = [
  reasonCodes.success,
  reasonCodes.noMatchingSubscribers,
  reasonCodes.unspecifiedError,
  reasonCodes.implementationSpecificError,
  reasonCodes.notAuthorized,
  reasonCodes.topicNameInvalid,
  reasonCodes.packetIdentifierInUse,
  reasonCodes.quotaExceeded,
  reasonCodes.payloadFormatInvalid,
];
const released: readonly number[] = [reasonCodes.success, reasonCodes.packetIdentifierNotFound];

/** Whether an acknowledgement that begins at `at` has no reason code: four bytes then, and the same in all versions. */
export function isBare(packets: Uint8Array, at = 0): boolean {
  return packets[at + 1] === BARE_REMAINING_LENGTH;
}

/** Reads and checks an acknowledgement. Throws MqttError. */
export function readAcknowledgement(packet: Uint8Array, version: ProtocolVersion): Acknowledgement {
  const type = kinds.get(packet[0] ?? 0);
  if (type === undefined) throw malformed("reserved flags are not as they must be"); // [MQTT-2.1.3-1]
  const reader = new PacketReader(packet, variableHeaderOffset(packet));
  const packetId = reader.u16();
  if (packetId === 0) throw protocolError("packet id 0"); // [MQTT-2.2.1-3]
  if (version < 5 || reader.done) {
    reader.expectEnd();
    return { type, packetId, reasonCode: reasonCodes.success };
  }
  const reasonCode = reader.u8();
  const legal = type === "puback" || type === "pubrec" ? published : released;
  if (!legal.includes(reasonCode)) throw protocolError("a reason code that this packet does not know");
  if (!reader.done) readProperties(reader, allowedProperties.acknowledgement, () => undefined);
  reader.expectEnd();
  return { type, packetId, reasonCode };
}

/** An acknowledgement; the reason code 0 is left out. */
export function writeAcknowledgement(
  type: Kind,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): Uint8Array {
  const first = firstBytes[type];
  const rest = version < 5 || reasonCode === reasonCodes.success ? 2 : 3;
  const packet = new Uint8Array(2 + rest);
  packet[0] = first;
  packet[1] = rest;
  writeU16(packet, 2, packetId);
  if (rest === 3) packet[4] = reasonCode;
  return packet;
}
