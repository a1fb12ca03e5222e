// Turns at something that only one may use at a time, in the order in which they were asked for.

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the turn; the answer ends it and must be called once. */
  async take(): Promise<() => void> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }
}
