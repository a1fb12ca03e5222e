// Measures a running workload: how much arrives in the time that is counted, how late, and whether all of it does.

import type { Target } from "../client.ts";
import { readCounts, since } from "../counts.ts";
import { wait } from "../wait.ts";
import type { Result } from "./workload.ts";

const WARM_UP_MS = 1_000;
const DRAIN_MS = 5_000;

export class Meter {
  sent = 0;
  arrived = 0;
  stopped = false;
  readonly #target: Target;
  #latencies: number[] = [];
  #measuring = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** A message has come that was sent at `sentAt`. */
  deliver(sentAt: number | undefined): void {
    this.arrived += 1;
    if (this.#measuring && sentAt !== undefined) this.#latencies.push(performance.now() - sentAt);
  }

  /** One more, of which the latency alone counts. */
  answer(sentAt: number | undefined): void {
    if (this.#measuring && sentAt !== undefined) this.#latencies.push(performance.now() - sentAt);
  }

  /** Warms up, counts for the given time, then lets what is under way arrive: `expected` messages in all. */
  async run(seconds: number, expected: () => number): Promise<Result> {
    await wait(WARM_UP_MS);
    const countsBefore = await readCounts(this.#target);
    this.#measuring = true;
    const [from, before] = [performance.now(), this.arrived];
    await wait(seconds * 1_000);
    const counted = this.arrived - before;
    const perSecond = counted / ((performance.now() - from) / 1_000);
    this.#measuring = false;
    const counts = since(await readCounts(this.#target), countsBefore);
    this.stopped = true;
    const deadline = performance.now() + DRAIN_MS;
    while (this.arrived < expected() && performance.now() < deadline) await wait(20);
    const lost = Math.max(0, expected() - this.arrived);
    return { perSecond, ...percentiles(this.#latencies), lost, counts, counted };
  }
}

export function percentiles(latencies: number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
