// A token bucket for each key (an address, a user), made when the key is first seen. Only so many keys are followed:
// the least recently seen is forgotten and starts anew with a full bucket.

import { BoundedCache } from "../bounded-cache.ts";
import { TokenBucket } from "./token-bucket.ts";

const SECOND = 1_000;

export interface KeyedBucketsOptions {
  tokensPerSecond: number;
  burst: number;
  keysMax: number;
}

interface Followed {
  bucket: TokenBucket;
  /** Epoch milliseconds until which the key is over its rate. */
  spentUntil: number;
}

export class KeyedBuckets {
  readonly #options: KeyedBucketsOptions;
  readonly #followed: BoundedCache<string, Followed>;

  constructor(options: KeyedBucketsOptions) {
    this.#options = options;
    this.#followed = new BoundedCache(options.keysMax);
  }

  /** Takes one token of `key` at `now` (epoch milliseconds). False: there is none. */
  take(key: string, now: number): boolean {
    const { tokensPerSecond, burst } = this.#options;
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      followed = { bucket: new TokenBucket({ tokensPerSecond, burst }, now), spentUntil: 0 };
      this.#followed.set(key, followed);
    }
    if (followed.bucket.take(1, now)) return true;
    followed.spentUntil = now + SECOND / tokensPerSecond;
    return false;
  }

  /** Whether `key` was just refused a token and has got none since. Takes nothing. */
  spent(key: string, now: number): boolean {
    const followed = this.#followed.get(key);
    return followed !== undefined && now < followed.spentUntil;
  }
}
