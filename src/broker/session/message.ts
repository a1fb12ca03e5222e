// A message on its way to sessions: the PUBLISH as it was published, who published it and until when it holds. One
// object stands for all its recipients in a shard.

import type { QoS } from "../mqtt/packets.ts";
import type { Publish } from "../mqtt/publish.ts";
import { addressPublish } from "../mqtt/write-publish.ts";

const NO_IDENTIFIERS: readonly number[] = [];
const SECOND = 1_000;

/** How a recipient shall see a message. */
export interface Address {
  qos: QoS;
  retain: boolean;
  dup: boolean;
  /** 0 at QoS 0. */
  packetId: number;
  identifiers: readonly number[];
}

export class Message {
  readonly publish: Publish;
  /** As publisherOf has it; 0: no client. */
  readonly publisher: number;
  /** Epoch milliseconds; 0: never. */
  readonly expiresAt: number;
  /** The store's own name of the message once it is appended; 0 before. */
  storedAs = 0;
  #plain: Uint8Array | null = null;

  constructor(publish: Publish, publisher: number, expiresAt: number) {
    this.publish = publish;
    this.publisher = publisher;
    this.expiresAt = expiresAt;
  }

  get byteLength(): number {
    return this.publish.bytes.length;
  }

  expired(now: number): boolean {
    return this.expiresAt !== 0 && this.expiresAt <= now;
  }

  /** The PUBLISH for one recipient. What is the same for all of a fan-out at QoS 0 is made once. */
  encode(address: Address, now: number): Uint8Array {
    const plain = address.qos === 0 && !address.retain && address.identifiers.length === 0 && this.expiresAt === 0;
    if (!plain) return this.#encode(address, now);
    this.#plain ??= this.#encode(address, now);
    return this.#plain;
  }

  #encode(address: Address, now: number): Uint8Array {
    return addressPublish(this.publish, {
      qos: address.qos,
      retain: address.retain,
      dup: address.dup,
      packetId: address.packetId,
      subscriptionIdentifiers: address.identifiers,
      // The time it has waited is taken off. [MQTT-3.3.2-6]
      messageExpiryInterval: this.expiresAt === 0 ? null : Math.max(1, Math.ceil((this.expiresAt - now) / SECOND)),
    });
  }
}

export { NO_IDENTIFIERS };
