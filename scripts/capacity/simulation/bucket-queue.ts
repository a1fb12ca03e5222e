// The queue of events of a simulation: each thing has one event at most, at a time that is rounded up to a tick. A list
// for each tick, threaded through one array, so that a million things take no object each.

const NONE = -1;

export class BucketQueue {
  readonly #tickMs: number;
  /** The first thing of each tick, and the one behind each thing. */
  readonly #first: Int32Array;
  #next: Int32Array;
  #tick = 0;

  /** Things are numbers, mostly below `things`; what comes at `endMs` or later never comes. */
  constructor(things: number, tickMs: number, endMs: number) {
    this.#tickMs = tickMs;
    this.#first = new Int32Array(Math.ceil(endMs / tickMs)).fill(NONE);
    this.#next = new Int32Array(things + 1);
  }

  /** The time of the event that came last, milliseconds. */
  get nowMs(): number {
    return this.#tick * this.#tickMs;
  }

  /** `thing` has its event at `atMs`, or at once if that is over; it must have none yet. */
  add(thing: number, atMs: number): void {
    const tick = Math.max(this.#tick, Math.ceil(atMs / this.#tickMs));
    if (tick >= this.#first.length) return;
    if (thing >= this.#next.length) this.#grow(thing);
    this.#next[thing] = this.#first[tick] ?? NONE;
    this.#first[tick] = thing;
  }

  /** The thing whose event is next; null: there is none before the end. */
  take(): number | null {
    for (; this.#tick < this.#first.length; this.#tick++) {
      const thing = this.#first[this.#tick] ?? NONE;
      if (thing === NONE) continue;
      this.#first[this.#tick] = this.#next[thing] ?? NONE;
      return thing;
    }
    return null;
  }

  #grow(thing: number): void {
    const larger = new Int32Array(2 * (thing + 1));
    larger.set(this.#next);
    this.#next = larger;
  }
}
