// Does something when something else has not happened for a while: one timer, that looks at the clock when it rings.

export class WhenQuiet {
  readonly #ms: number;
  readonly #act: () => void;
  #touchedAt = 0;
  #armed = false;

  /** Calls `act` once nothing has touched it for `ms` milliseconds. */
  constructor(ms: number, act: () => void) {
    this.#ms = ms;
    this.#act = act;
  }

  touch(): void {
    this.#touchedAt = Date.now();
    if (!this.#armed) this.#arm(this.#ms);
  }

  #arm(ms: number): void {
    this.#armed = true;
    setTimeout(() => {
      this.#armed = false;
      const left = this.#touchedAt + this.#ms - Date.now();
      if (left > 0) this.#arm(left);
      else this.#act();
    }, ms);
  }
}
