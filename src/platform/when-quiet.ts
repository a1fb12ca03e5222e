// Does something when something else has not happened for a while: one timer, set again as long as it was touched. It asks
// no clock: that of an event stands still, and behind one that took long all would seem to be quiet.

export class WhenQuiet {
  readonly #ms: number;
  readonly #act: () => void;
  #touched = false;
  #armed = false;

  /** Calls `act` once nothing has touched it for `ms` milliseconds, at the latest after twice that. */
  constructor(ms: number, act: () => void) {
    this.#ms = ms;
    this.#act = act;
  }

  touch(): void {
    this.#touched = true;
    if (!this.#armed) this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#touched = false;
    setTimeout(() => {
      this.#armed = false;
      if (this.#touched) this.#arm();
      else this.#act();
    }, this.#ms);
  }
}
