// A client's packets once it is connected: checked, brought to MQTT 5.0 and stripped of what concerned the connection
// alone. Throws MqttError for what ends the connection.

import { TokenBucket } from "../../broker/access/token-bucket.ts";
import { limits } from "../../broker/limits.ts";
import { readPacket } from "../../broker/mqtt/control-packets.ts";
import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { AuthPacket, ClientPacket, DisconnectPacket, ProtocolVersion } from "../../broker/mqtt/packets.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import { normalisePublish, withTopic } from "../../broker/mqtt/rewrite-publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { isBare, writeAcknowledgement } from "../../broker/mqtt/acknowledgement.ts";
import { writeSubscribe, writeUnsubscribe } from "../../broker/mqtt/server-packets.ts";
import { withinTopicBounds } from "../../broker/topics/topic-name.ts";

export type Inbound =
  | { type: "forward"; packet: Uint8Array; droppable: boolean }
  /** A PUBLISH of QoS 2. */
  | { type: "once"; packet: Uint8Array; packetId: number }
  | { type: "ping" }
  | { type: "auth"; packet: AuthPacket }
  | { type: "disconnect"; packet: DisconnectPacket };

export interface InboundBounds {
  /** Largest payload, bytes. */
  messageBytesMax(): number;
  /** Largest packet that the client takes, bytes; null: any. */
  readonly maximumPacketSize: number | null;
  /** The Session Expiry Interval of CONNECT was zero. */
  readonly transient: boolean;
  /** Epoch milliseconds. */
  now(): number;
}

const filterRate = { tokensPerSecond: limits.filtersPerSecond, burst: limits.filtersBurst };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class InboundReader {
  readonly #version: ProtocolVersion;
  readonly #bounds: InboundBounds;
  /** Topics by alias, section 3.3.2.3.4; they live as long as the connection. [MQTT-3.3.2-7] */
  readonly #aliases = new Map<number, string>();
  readonly #filters: TokenBucket;

  constructor(version: ProtocolVersion, bounds: InboundBounds) {
    this.#version = version;
    this.#bounds = bounds;
    this.#filters = new TokenBucket(filterRate, bounds.now());
  }

  read(bytes: Uint8Array): Inbound {
    const packet = readPacket(bytes, this.#version);
    switch (packet.type) {
      case "publish":
        if (packet.qos === 2) return { type: "once", packet: this.#publish(packet).bytes, packetId: packet.packetId };
        return { type: "forward", packet: this.#publish(packet).bytes, droppable: packet.qos === 0 };
      case "puback":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
        // Without a reason it is the same in all versions, but for the flags that 3.1 allows.
        if (this.#version > 3 && isBare(bytes)) return forward(bytes);
        return forward(writeAcknowledgement(packet.type, packet.packetId, packet.reasonCode, 5));
      case "subscribe":
        this.#charge(packet.subscriptions.length);
        this.#answerable(packet.subscriptions.length);
        return forward(this.#version === 5 ? bytes : writeSubscribe(packet));
      case "unsubscribe":
        this.#charge(packet.filters.length);
        this.#answerable(packet.filters.length);
        return forward(this.#version === 5 ? bytes : writeUnsubscribe(packet));
      case "pingreq":
        return { type: "ping" };
      case "disconnect":
        return this.#disconnect(packet);
      case "auth":
        return { type: "auth", packet };
      case "connect":
        throw new MqttError(reasonCodes.protocolError, "a second CONNECT"); // [MQTT-3.1.0-2]
      default:
        packet satisfies never;
        throw new TypeError(`unknown packet ${(packet as ClientPacket).type}`);
    }
  }

  #publish(publish: Publish): Publish {
    const payload = publish.bytes.length - publish.payloadOffset;
    if (payload > this.#bounds.messageBytesMax()) {
      throw new MqttError(reasonCodes.packetTooLarge, `a payload of more than ${this.#bounds.messageBytesMax()} bytes`);
    }
    if (!withinTopicBounds(publish.topic))
      throw new MqttError(reasonCodes.topicNameInvalid, "a topic too long or deep");
    if (publish.utf8Payload) checkUtf8(publish);
    return publish.topicAlias === 0 ? publish : this.#resolve(publish);
  }

  #resolve(publish: Publish): Publish {
    const { topicAlias, topic } = publish;
    if (topicAlias > limits.topicAliasMaximum) {
      throw new MqttError(reasonCodes.topicAliasInvalid, "a topic alias above the maximum"); // [MQTT-3.3.2-9]
    }
    if (topic !== "") {
      this.#aliases.set(topicAlias, topic);
      return normalisePublish(publish);
    }
    const known = this.#aliases.get(topicAlias);
    if (known === undefined) throw new MqttError(reasonCodes.protocolError, "a topic alias that stands for nothing");
    return withTopic(publish, known);
  }

  /** A shard handles all filters of a packet in one go, so who sends packets of many keeps its neighbours waiting. It is
   *  no rate of messages (0x96), but a limit of the implementation's own: 0x97, section 3.14.2.1. */
  #charge(filters: number): void {
    if (this.#filters.take(filters, this.#bounds.now())) return;
    const { filtersPerSecond, filtersBurst } = limits;
    const bound = `${filtersBurst} filters at once and ${filtersPerSecond} a second`;
    throw new MqttError(reasonCodes.quotaExceeded, `more than ${bound} in SUBSCRIBE and UNSUBSCRIBE`);
  }

  /** SUBACK and UNSUBACK have a code for each filter, and cannot be left out. [MQTT-3.1.2-24] */
  #answerable(filters: number): void {
    const { maximumPacketSize } = this.#bounds;
    if (maximumPacketSize === null || acknowledgementBytes(filters) <= maximumPacketSize) return;
    const reasonString = `the answer to ${filters} filters is more than the Maximum Packet Size`;
    throw new MqttError(reasonCodes.packetTooLarge, reasonString);
  }

  #disconnect(packet: DisconnectPacket): Inbound {
    if (this.#bounds.transient && (packet.sessionExpiryInterval ?? 0) > 0) {
      // [MQTT-3.14.2-2]
      throw new MqttError(reasonCodes.protocolError, "a session that ends with its connection cannot be prolonged");
    }
    return { type: "disconnect", packet };
  }
}

/** Size of a SUBACK or UNSUBACK without properties, sections 3.9 and 3.11. */
function acknowledgementBytes(filters: number): number {
  const remaining = 3 + filters;
  return 1 + (remaining < 128 ? 1 : 2) + remaining;
}

function forward(packet: Uint8Array): Inbound {
  return { type: "forward", packet, droppable: false };
}

/** Section 3.3.2.3.2: the server checks the payload where it is said to be UTF-8. */
function checkUtf8({ bytes, payloadOffset }: Publish): void {
  try {
    strictUtf8.decode(bytes.subarray(payloadOffset));
  } catch {
    throw new MqttError(reasonCodes.payloadFormatInvalid, "the payload is not UTF-8");
  }
}
