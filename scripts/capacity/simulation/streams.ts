// Streams of pairs of shards, as their senders hold them (src/platform/stream-channel.ts): opened with a batch, closed when
// they have been unused for long enough at one of the looks that come at intervals from the opening on.

export class Streams {
  readonly #idleMs: number;
  readonly #openedAt: Float64Array;
  readonly #closesAt: Float64Array;

  constructor(pairs: number, idleMs: number) {
    this.#idleMs = idleMs;
    this.#openedAt = new Float64Array(pairs);
    this.#closesAt = new Float64Array(pairs).fill(Number.NEGATIVE_INFINITY);
  }

  /** A batch goes out now and is answered then. True: the stream had to be opened. */
  use(pair: number, now: number, answeredAt: number): boolean {
    const opens = this.closesAt(pair) <= now;
    if (opens) this.#openedAt[pair] = now;
    const openedAt = this.#openedAt[pair] ?? 0;
    const looks = Math.ceil((answeredAt + this.#idleMs - openedAt) / this.#idleMs);
    this.#closesAt[pair] = Math.max(this.closesAt(pair), openedAt + looks * this.#idleMs);
    return opens;
  }

  closesAt(pair: number): number {
    return this.#closesAt[pair] ?? Number.NEGATIVE_INFINITY;
  }
}
