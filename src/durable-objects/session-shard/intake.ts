// What is published through a shard, by its clients and by the deployment's API: counted, held to the plan's rate, and
// given to the topic shards.

import { TokenBucket } from "../../broker/access/token-bucket.ts";
import type { Publish } from "../../broker/mqtt/publish.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { ApiMessage } from "../../contracts/rpc.ts";
import type { OutcomeAwaiter, Publishes } from "./publishes.ts";

const SECOND = 1_000;
/** A publisher that is no session. */
const NO_SESSION = 0;

export interface IntakePorts {
  publishes: Publishes;
  config(): DeploymentConfig;
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

  /** Messages of the deployment's API: resolves to a reason code each, when they are safe. */
  publishAll(messages: readonly ApiMessage[]): Promise<number[]> {
    const outcomes = messages.map(({ packet }) => {
      const publish = readTrustedPublish(packet);
      if (!this.#allowed()) return reasonCodes.quotaExceeded;
      this.received += 1;
      return new Promise<number>((resolve) => {
        if (!this.#pass(publish, NO_SESSION, { routed: resolve })) resolve(reasonCodes.quotaExceeded);
      });
    });
    return Promise.all(outcomes);
  }

  /** The config has changed, and the rate perhaps. */
  renewRate(): void {
    this.#rate = this.#newRate();
  }

  #pass(publish: Publish, publisher: number, awaiter: OutcomeAwaiter | null): boolean {
    const { publishes, now } = this.#ports;
    return publishes.publish(publish.topic, publish.bytes, publisher, expiryOf(publish, now), awaiter);
  }

  #allowed(): boolean {
    return this.#rate === null || this.#rate.take(1, this.#ports.now());
  }

  #newRate(): TokenBucket | null {
    const { limits: plan, shards } = this.#ports.config();
    if (plan.messagesPerSecond === null) return null;
    const share = plan.messagesPerSecond / shards.session;
    return new TokenBucket({ tokensPerSecond: share, burst: share }, this.#ports.now());
  }
}

/** Epoch milliseconds at which a message expires; 0: never. [MQTT-3.3.2-5] */
function expiryOf({ bytes, expiryOffset }: Publish, now: () => number): number {
  if (expiryOffset === 0) return 0;
  return now() + SECOND * new DataView(bytes.buffer, bytes.byteOffset).getUint32(expiryOffset);
}
