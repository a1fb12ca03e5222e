// What is published while its topic shard is held: it waits here, in order and within a bound.

import { limits } from "../../broker/limits.ts";
import type { OutcomeAwaiter } from "./topic-stream.ts";

export interface HeldPublish {
  readonly topic: string;
  readonly packet: Uint8Array;
  readonly publisher: number;
  readonly expiresAt: number;
  /** Null: at QoS 0. */
  readonly awaiter: OutcomeAwaiter | null;
}

export class HeldPublishes {
  readonly #all: HeldPublish[] = [];
  #bytes = 0;

  /** In the order in which they came. */
  get all(): readonly HeldPublish[] {
    return this.#all;
  }

  /** False: there is no room for it. */
  add(publish: HeldPublish): boolean {
    if (this.#bytes > limits.heldBytes) return false;
    // A copy: it is a view of the whole frame in which it came.
    const packet = publish.packet.slice();
    this.#bytes += packet.length + limits.waitingOverheadBytes;
    this.#all.push({ ...publish, packet });
    return true;
  }
}
