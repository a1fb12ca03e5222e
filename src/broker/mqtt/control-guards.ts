// What mqtt-packet lets through and the specification does not: each control packet of a connected client is walked field
// by field before it is parsed. Throws MqttError with the specification's reason code.

import { hasControlCharacter } from "../topics/topic-name.ts";
import { limits } from "../limits.ts";
import { MqttError } from "./mqtt-error.ts";
import { faultOfFilter } from "../topics/topic-filter.ts";
import { malformed, protocolError, readerOf } from "./packet-reader.ts";
import type { PacketReader } from "./packet-reader.ts";
import type { ProtocolVersion } from "./packets.ts";
import { allowedProperties, propertyIds, readProperties } from "./properties.ts";
import { reasonCodes } from "./reason-codes.ts";

const NO_LOCAL = 0x04;
const RESERVED_OPTIONS = 0xc0;
/** Reason codes with which a client may disconnect, table 3-10. */
const disconnectCodes: ReadonlySet<number> = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
]);
const authCodes: ReadonlySet<number> = new Set([reasonCodes.continueAuthentication, reasonCodes.reauthenticate]);

/** SUBSCRIBE, section 3.8. `relayed`, here and below: as readPacket has it. */
export function guardSubscribe(packet: Uint8Array, version: ProtocolVersion, relayed: boolean): void {
  const reader = readerOf(packet, 0x82); // [MQTT-3.8.1-1]
  if (reader.u16() === 0) throw malformed("packet id 0"); // [MQTT-2.2.1-3]
  if (version === 5) readProperties(reader, allowedProperties.subscribe, () => undefined);
  if (reader.done) throw protocolError("SUBSCRIBE without a filter"); // [MQTT-3.8.3-2]
  for (let filters = 1; !reader.done; filters++) {
    if (filters > limits.filtersPerPacket) throw tooManyFilters();
    const filter = readFilter(reader, version === 5 && !relayed);
    const options = reader.u8();
    if ((options & 3) === 3) throw protocolError("QoS 3"); // [MQTT-3.8.3-5]
    if (version < 5) {
      if (options > 2) throw malformed("reserved bits of a subscription are set"); // [MQTT311-3.8.3-4]
      continue;
    }
    if ((options & RESERVED_OPTIONS) !== 0) throw malformed("reserved bits of a subscription are set");
    if (((options >> 4) & 3) === 3) throw protocolError("Retain Handling 3");
    if (filter.startsWith("$share/") && (options & NO_LOCAL) !== 0) {
      throw protocolError("No Local on a shared subscription"); // [MQTT-3.8.3-4]
    }
  }
}

/** UNSUBSCRIBE, section 3.10. */
export function guardUnsubscribe(packet: Uint8Array, version: ProtocolVersion, relayed: boolean): void {
  const reader = readerOf(packet, 0xa2); // [MQTT-3.10.1-1]
  if (reader.u16() === 0) throw malformed("packet id 0"); // [MQTT-2.2.1-3]
  if (version === 5) readProperties(reader, allowedProperties.unsubscribe, () => undefined);
  if (reader.done) throw protocolError("UNSUBSCRIBE without a filter"); // [MQTT-3.10.3-2]
  for (let filters = 1; !reader.done; filters++) {
    if (filters > limits.filtersPerPacket) throw tooManyFilters();
    readFilter(reader, version === 5 && !relayed);
  }
}

/** PINGREQ, section 3.12. */
export function guardPingreq(packet: Uint8Array): void {
  readerOf(packet, 0xc0).expectEnd();
}

/** DISCONNECT, section 3.14. */
export function guardDisconnect(packet: Uint8Array, version: ProtocolVersion): void {
  const reader = readerOf(packet, 0xe0); // [MQTT-3.14.1-1]
  if (version < 5 || reader.done) {
    reader.expectEnd();
    return;
  }
  if (!disconnectCodes.has(reader.u8())) throw protocolError("a reason code that no client may send");
  if (!reader.done) {
    readProperties(reader, allowedProperties.disconnect, (id) => {
      if (id === propertyIds.serverReference) throw protocolError("Server Reference is for servers to send");
    });
  }
  reader.expectEnd();
}

/** AUTH, section 3.15. */
export function guardAuth(packet: Uint8Array, version: ProtocolVersion): void {
  if (version < 5) throw protocolError("AUTH in a version that has none");
  const reader = readerOf(packet, 0xf0); // [MQTT-3.15.1-1]
  if (reader.done) throw protocolError("only a server says that an authentication succeeded");
  if (!authCodes.has(reader.u8())) throw protocolError("a reason code that no client may send");
  let method = false;
  if (!reader.done) {
    readProperties(reader, allowedProperties.auth, (id) => {
      if (id === 0x15) method = true;
    });
  }
  if (!method) throw protocolError("AUTH without a method");
  reader.expectEnd();
}

/** A filter that is well-formed; whether it is taken is judged where it is stored. [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] */
function readFilter(reader: PacketReader, sharesKnown: boolean): string {
  const filter = reader.utf8();
  if (hasControlCharacter(filter)) throw malformed("a filter has a control character");
  const fault = faultOfFilter(filter);
  // Before 5.0 it is a filter like any other, which is refused alone.
  if (fault === "share" && !sharesKnown) return filter;
  if (fault === "share") throw protocolError("a shared filter needs a group's name and a filter"); // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
  if (fault !== null) throw malformed("a filter is empty, or has a wildcard out of place");
  return filter;
}

function tooManyFilters(): MqttError {
  return new MqttError(reasonCodes.quotaExceeded, `more than ${limits.filtersPerPacket} filters in a packet`);
}
