// Objects of a kind: until when each is awake, for how long all of them were, and how often one woke from hibernation.

export class AwakeObjects {
  readonly #until: Float64Array;
  readonly #fromMs: number;
  readonly #hibernatesAfterMs: number;
  #awakeMs = 0;
  wakeUps = 0;

  /** What was before `fromMs` is not counted. */
  constructor(count: number, fromMs: number, hibernatesAfterMs: number) {
    this.#until = new Float64Array(count);
    this.#fromMs = fromMs;
    this.#hibernatesAfterMs = hibernatesAfterMs;
  }

  /** Something keeps an object awake from now on. Calls come in the order of time. */
  keep(object: number, now: number, until: number): void {
    const before = this.#until[object] ?? 0;
    if (now - before > this.#hibernatesAfterMs && now >= this.#fromMs) this.wakeUps += 1;
    const begins = Math.max(now, before, this.#fromMs);
    if (until > begins) this.#awakeMs += until - begins;
    this.#until[object] = Math.max(before, until);
  }

  /** Share of the time counted, of an object on average. */
  awakeShare(endMs: number): number {
    const behind = this.#until.reduce((sum, until) => sum + Math.max(0, until - endMs), 0);
    return (this.#awakeMs - behind) / ((endMs - this.#fromMs) * this.#until.length);
  }
}
