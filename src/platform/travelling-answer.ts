// The answer to another object's batches, as far as it travels along with batches to that object: how far they are done,
// and who waits to hear whether that was said.

import { LazyTimer } from "./lazy-timer.ts";

/** How long an answer may wait for a batch that it can travel with. */
const WAIT_MS = 20;

export class TravellingAnswer {
  #incarnation = 0;
  #sequence = 0;
  #waiting: ((travels: boolean) => void) | null = null;
  readonly #timer = new LazyTimer(WAIT_MS, () => {
    this.giveUp();
    return false;
  });

  /** Whether one waits for company. */
  get waits(): boolean {
    return this.#waiting !== null;
  }

  /** All batches up to `sequence`, that the other object sent in that incarnation of it, are done. */
  set(incarnation: number, sequence: number): void {
    this.#incarnation = incarnation;
    this.#sequence = sequence;
  }

  /** Resolves to true when what was set travels, to false when nothing came that it could travel with. */
  wait(): Promise<boolean> {
    this.#timer.arm();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** What a batch to that incarnation of the other object says: the last batch of it that is done, 0 for none. */
  take(incarnation: number): number {
    const sequence = incarnation === this.#incarnation ? this.#sequence : 0;
    this.#settle(sequence > 0);
    return sequence;
  }

  /** What waits must go by itself. */
  giveUp(): void {
    this.#settle(false);
  }

  #settle(travels: boolean): void {
    this.#waiting?.(travels);
    this.#waiting = null;
  }
}
