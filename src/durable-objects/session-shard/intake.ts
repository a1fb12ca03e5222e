// What is published through a shard, by its clients and by the deployment's API: counted, held to the plan's rate, and
// given to the topic shards.

import { TokenBucket } from "../../broker/access/token-bucket.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { SLOTS } from "../../broker/topics/slots.ts";
import { NO_PUBLISHER } from "../../broker/session/publisher.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { ApiMessage } from "../../contracts/rpc.ts";
import type { Outbox } from "./outbox.ts";
import type { Publishes } from "./publishes.ts";
import type { OutcomeAwaiter } from "./topic-stream.ts";

const SECOND = 1_000;

export interface IntakePorts {
  publishes: Publishes;
  outbox: Outbox;
  config(): DeploymentConfig;
  /** The slots of this shard, which has as much of the plan's rate. */
  slots(): number[];
  now(): number;
}

export class Intake {
  /** Messages that were received. */
  received = 0;
  readonly #ports: IntakePorts;
  #rate: TokenBucket | null;

  constructor(ports: IntakePorts) {
    this.#ports = ports;
    this.#rate = this.#newRate();
  }

  /** A client's message. False: it was not taken, and at QoS 0 (no awaiter) is dropped. */
  publish(publish: Publish, publisher: number, awaiter: OutcomeAwaiter | null): boolean {
    this.received += 1;
    return this.#allowed() && this.#pass(publish, publisher, awaiter);
  }

  /** A client's message of QoS 2, to be routed once. False: it was not taken. */
  take(publish: Publish, publisher: number): boolean {
    this.received += 1;
    return this.#allowed() && this.#takeOnce(publish, publisher, null);
  }

  /** A client's will, which no rate holds back. False: there is no room for it. */
  takeWill(publish: Publish, publisher: number): boolean {
    this.received += 1;
    return this.#takeOnce(publish, publisher, null);
  }

  /** Messages of the deployment's API: resolves to a reason code each, when they are safe. */
  publishAll(messages: readonly ApiMessage[]): Promise<number[]> {
    const outcomes = messages.map(({ packet }) => {
      const publish = readTrustedPublish(packet);
      if (!this.#allowed()) return reasonCodes.quotaExceeded;
      this.received += 1;
      return new Promise<number>((resolve) => {
        const awaiter = { routed: resolve };
        const passed =
          publish.qos === 2
            ? this.#takeOnce(publish, NO_PUBLISHER, awaiter)
            : this.#pass(publish, NO_PUBLISHER, awaiter);
        if (!passed) resolve(reasonCodes.quotaExceeded);
      });
    });
    this.#ports.outbox.commit();
    return Promise.all(outcomes);
  }

  /** The config has changed, and the rate perhaps. */
  renewRate(): void {
    this.#rate = this.#newRate();
  }

  #pass(publish: Publish, publisher: number, awaiter: OutcomeAwaiter | null): boolean {
    return this.#ports.publishes.publish(publish.topic, publish.bytes, publisher, this.#expiryOf(publish), awaiter);
  }

  #takeOnce(publish: Publish, publisher: number, awaiter: OutcomeAwaiter | null): boolean {
    return this.#ports.outbox.take(publish.topic, publisher, this.#expiryOf(publish), publish.bytes, awaiter);
  }

  /** Epoch milliseconds at which a message expires; 0: never. [MQTT-3.3.2-5] */
  #expiryOf({ bytes, expiryOffset }: Publish): number {
    const maximum = this.#ports.config().settings.messageExpirySecondsMax;
    if (expiryOffset === 0) return maximum === null ? 0 : this.#ports.now() + SECOND * maximum;
    const asked = new DataView(bytes.buffer, bytes.byteOffset).getUint32(expiryOffset);
    return this.#ports.now() + SECOND * Math.min(asked, maximum ?? Infinity);
  }

  #allowed(): boolean {
    return this.#rate === null || this.#rate.take(1, this.#ports.now());
  }

  #newRate(): TokenBucket | null {
    const { messagesPerSecond } = this.#ports.config().limits;
    if (messagesPerSecond === null) return null;
    const share = (messagesPerSecond * this.#ports.slots().length) / SLOTS;
    return new TokenBucket({ tokensPerSecond: share, burst: share }, this.#ports.now());
  }
}
