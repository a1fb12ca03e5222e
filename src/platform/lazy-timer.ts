// A timer for something that is mostly over before its time: it rings every so often while there is anything to look at,
// instead of being set and cleared each time.

export class LazyTimer {
  readonly #ms: number;
  readonly #look: () => boolean;
  #armed = false;

  /** Calls `look` at most `ms` milliseconds after `arm`, and again after as long while it returns true. */
  constructor(ms: number, look: () => boolean) {
    this.#ms = ms;
    this.#look = look;
  }

  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setTimeout(() => {
      this.#armed = false;
      if (this.#look()) this.arm();
    }, this.#ms);
  }
}
