// First in, first out, without moving what is behind.

export class Queue {
  #values: number[] = [];
  #first = 0;

  push(value: number): void {
    this.#values.push(value);
  }

  shift(): number | undefined {
    const value = this.#values[this.#first++];
    if (this.#first > 1_000 && this.#first * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#first);
      this.#first = 0;
    }
    return value;
  }
}
