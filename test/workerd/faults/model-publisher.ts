// A publisher that follows section 4.4: what is not acknowledged it says again, in order, whenever it is back.

import type { Packet } from "mqtt-packet";
import { SteadyClient } from "./steady-client.ts";

interface Open {
  topic: string;
  qos: 1 | 2;
  payload: string;
  /** QoS 2: PUBREC has come. */
  received: boolean;
}

export class ModelPublisher extends SteadyClient {
  /** Payloads by topic and QoS, in the order in which they were published. */
  readonly published = new Map<string, string[]>();
  /** Payloads that the service has taken over: acknowledged, or received at QoS 2. */
  readonly acknowledged = new Set<string>();
  /** Reason codes that are not success. */
  readonly refused: number[] = [];
  readonly #open = new Map<number, Open>();
  #last = 0;

  get open(): number {
    return this.#open.size;
  }

  publish(topic: string, qos: 1 | 2): void {
    const messageId = ++this.#last;
    const payload = `${topic} ${qos} ${this.id}${messageId}`;
    const key = `${topic} ${qos} ${this.id}`;
    this.published.set(key, [...(this.published.get(key) ?? []), payload]);
    const open = { topic, qos, payload, received: false };
    this.#open.set(messageId, open);
    this.#say(messageId, open, false);
  }

  protected override resumed(): void {
    for (const [messageId, open] of this.#open) this.#say(messageId, open, true); // [MQTT-4.4.0-1]
  }

  protected override received(packet: Packet): void {
    const messageId = packet.messageId ?? 0;
    const open = this.#open.get(messageId);
    if (open === undefined) return;
    if ("reasonCode" in packet && (packet.reasonCode ?? 0) !== 0) this.refused.push(packet.reasonCode ?? 0);
    if (packet.cmd === "puback" || packet.cmd === "pubrec") this.acknowledged.add(open.payload);
    if (packet.cmd === "puback" || packet.cmd === "pubcomp") this.#open.delete(messageId);
    if (packet.cmd !== "pubrec") return;
    open.received = true;
    this.#say(messageId, open, false);
  }

  #say(messageId: number, { topic, qos, payload, received }: Open, dup: boolean): void {
    if (received) this.send({ cmd: "pubrel", messageId });
    else this.send({ cmd: "publish", topic, payload, qos, retain: false, dup, messageId });
  }
}
