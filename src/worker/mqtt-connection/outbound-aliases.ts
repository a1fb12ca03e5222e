// Topic aliases that the server gives to a client that takes them, MQTT 5.0 section 3.3.2.3.4: a topic goes once by name
// and from then on as a number. The topic that was least recently sent makes room for a new one.

import { limits } from "../../broker/limits.ts";
import { forEachPacket } from "../../broker/mqtt/split-packets.ts";
import { publishTopicOf, withAlias } from "../../broker/mqtt/rewrite-publish.ts";

const PUBLISH = 3;
/** What an alias takes in a packet: a topic must be longer to be worth one. */
const ALIAS_BYTES = 3;

export class OutboundAliases {
  readonly #aliasMax: number;
  readonly #packetBytesMax: number;
  /** Aliases by topic, the least recently sent first. They live as long as the connection. [MQTT-3.3.2-7] */
  readonly #aliases = new Map<string, number>();

  /** `aliasMax`: the client's Topic Alias Maximum. `packetBytesMax`: its Maximum Packet Size, or null. */
  constructor(aliasMax: number, packetBytesMax: number | null) {
    this.#aliasMax = Math.min(aliasMax, limits.outboundTopicAliases); // [MQTT-3.1.2-26] [MQTT-3.1.2-27]
    this.#packetBytesMax = packetBytesMax ?? Infinity;
  }

  /** Packets for the client, one behind the other, with aliases where they are worth it. */
  apply(packets: Uint8Array): Uint8Array {
    if (this.#aliasMax === 0) return packets;
    const parts: Uint8Array[] = [];
    let length = 0;
    forEachPacket(packets, 0, (packet) => {
      const part = (packet[0] ?? 0) >> 4 === PUBLISH ? this.#publish(packet) : packet;
      parts.push(part);
      length += part.length;
    });
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #publish(packet: Uint8Array): Uint8Array {
    const topic = publishTopicOf(packet);
    if (topic.length <= ALIAS_BYTES) return packet;
    const known = this.#aliases.get(topic);
    if (known !== undefined) {
      this.#aliases.delete(topic);
      this.#aliases.set(topic, known);
      return withAlias(packet, known, false);
    }
    const alias = this.#nextAlias();
    const named = withAlias(packet, alias, true);
    if (named.length > this.#packetBytesMax) return packet; // [MQTT-3.1.2-24]
    this.#forgetHolderOf(alias);
    this.#aliases.set(topic, alias);
    return named;
  }

  /** One that is free, or that of the topic least recently sent. */
  #nextAlias(): number {
    if (this.#aliases.size < this.#aliasMax) return this.#aliases.size + 1;
    const oldest = this.#aliases.values().next();
    return oldest.done === true ? 1 : oldest.value;
  }

  /** A new one has no holder; one that is taken over is the first's. */
  #forgetHolderOf(alias: number): void {
    const oldest = this.#aliases.entries().next();
    if (oldest.done !== true && oldest.value[1] === alias) this.#aliases.delete(oldest.value[0]);
  }
}
