// Messages that wait in memory alone for a client that acknowledges in time, in order, unsent; and whether a client is
// one of those.

import type { Inflight } from "./delivery.ts";

/** How many times what the client takes at once may wait for it. */
export const WINDOWS_MAX = 4;
const BYTES_MAX = 256 * 1_024;
/** A client that was silent from one deadline to the next is written for at once until it has acknowledged this many;
 *  twice as many after each further miss, up to the maximum. */
const PROMPT_AFTER = 8;
const PROMPT_AFTER_MAX = 4_096;

export class Waiting {
  #messages: Inflight[] = [];
  #bytes = 0;

  get length(): number {
    return this.#messages.length;
  }

  /** Whether no more should wait for a client that takes `window` messages at once. */
  full(window: number): boolean {
    return this.#messages.length >= WINDOWS_MAX * window || this.#bytes >= BYTES_MAX;
  }

  get first(): Inflight | undefined {
    return this.#messages[0];
  }

  push(inflight: Inflight): void {
    this.#messages.push(inflight);
    this.#bytes += inflight.byteLength;
  }

  shift(): void {
    const first = this.#messages.shift();
    if (first !== undefined) this.#bytes -= first.byteLength;
  }

  /** Takes all of them out. */
  takeAll(): Inflight[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}

/** Whether a client acknowledges in time. One that is merely behind, while its acknowledgements keep coming, does. */
export class Promptness {
  #owed = 0;
  #after = PROMPT_AFTER;
  #acknowledged = true;

  get prompt(): boolean {
    return this.#owed === 0;
  }

  acknowledged(): void {
    this.#acknowledged = true;
    if (this.#owed > 0) this.#owed -= 1;
  }

  /** A message was not acknowledged by its deadline. */
  missed(): void {
    const silent = !this.#acknowledged;
    this.#acknowledged = false;
    if (!silent) return;
    if (this.#owed === 0) this.#after = Math.min(PROMPT_AFTER_MAX, this.#after * 2);
    this.#owed = this.#after;
  }
}
