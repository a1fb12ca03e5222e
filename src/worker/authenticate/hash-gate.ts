// How many password derivations run at a time. A derivation whose request the platform cancelled never comes back to
// say so: after a while its place is free again.

const HELD_MS = 5_000;

export class HashGate {
  readonly #max: number;
  /** When each running derivation began, epoch milliseconds. */
  readonly #running = new Map<number, number>();
  #lastTicket = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** A ticket to be given back by `leave`; null: too many are running. */
  enter(now: number): number | null {
    if (this.#running.size >= this.#max) this.#forgetLost(now);
    if (this.#running.size >= this.#max) return null;
    this.#lastTicket += 1;
    this.#running.set(this.#lastTicket, now);
    return this.#lastTicket;
  }

  leave(ticket: number): void {
    this.#running.delete(ticket);
  }

  #forgetLost(now: number): void {
    for (const [ticket, since] of this.#running) {
      if (now - since >= HELD_MS) this.#running.delete(ticket);
    }
  }
}
