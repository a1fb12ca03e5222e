// A rate with a burst: tokens come back with time, and what is not there is not given.

export interface TokenRate {
  readonly tokensPerSecond: number;
  /** Tokens that a bucket holds when it is full. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: TokenRate;
  #tokens: number;
  #at: number;

  /** Full at `now` (epoch milliseconds). */
  constructor(rate: TokenRate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Takes `tokens` if they are there at `now`; takes nothing and returns false if not. */
  take(tokens: number, now: number): boolean {
    const elapsedMs = Math.max(0, now - this.#at); // A clock may step back.
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsedMs / 1_000) * this.#rate.tokensPerSecond);
    this.#at = now;
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }
}
