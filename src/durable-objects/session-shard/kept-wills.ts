// Wills that are too large for the header of an attach: kept in memory for the attach that follows at once.

import { limits } from "../../broker/limits.ts";

interface Kept {
  readonly packet: Uint8Array;
  readonly until: number;
}

export class KeptWills {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Keeps a will under the name that it returns; null: too many are kept. */
  keep(packet: Uint8Array): string | null {
    const now = this.#now();
    for (const [name, { until }] of this.#kept) if (until <= now) this.#kept.delete(name);
    if (this.#kept.size >= limits.keptWills) return null;
    const name = crypto.randomUUID();
    this.#kept.set(name, { packet, until: now + limits.keptWillMs });
    return name;
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  /** Gives a will out, once; null: it is not here, or no more. */
  take(name: string): Uint8Array | null {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    return kept?.packet ?? null;
  }
}
