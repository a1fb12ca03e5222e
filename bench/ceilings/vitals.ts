// What the service takes while something is measured, and what it counts of it: CPU, the most memory that it had, what was
// dropped and refused by its own count.

import type { Fulmar } from "../brokers/fulmar.ts";
import { type Counts, CPU, readCounts, since } from "../counts.ts";
import { residentBytes } from "../processes.ts";

export interface Vitals {
  /** Cores of the machine, in the mean. */
  cores: number;
  /** Bytes in RAM, at the most. */
  peak: number;
  /** Of GET /metrics, and of the counting build: what is not 0. */
  counts: Counts;
}

const LOOK_MS = 100;

/** Runs `run` and looks meanwhile. */
export async function vitalsOf<T>(fulmar: Fulmar, run: () => Promise<T>): Promise<T & Vitals> {
  const before = await allCounts(fulmar);
  const from = performance.now();
  let peak = 0;
  const look = async () => {
    peak = Math.max(peak, (await residentBytes(fulmar.target.pid)) ?? Number.NaN);
  };
  const looking = setInterval(() => void look(), LOOK_MS);
  try {
    const result = await run();
    await look();
    const seconds = (performance.now() - from) / 1_000;
    const { [CPU]: cpu = Number.NaN, ...counts } = since(await allCounts(fulmar), before);
    const counted = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
    return { ...result, cores: cpu / 1_000_000 / seconds, peak, counts: counted };
  } finally {
    clearInterval(looking);
  }
}

async function allCounts(fulmar: Fulmar): Promise<Counts> {
  const metrics = (await fulmar.ask("/metrics?aggregate=true")) as Counts;
  return { ...metrics, ...(await readCounts(fulmar.target)) };
}

/** What was dropped and refused, in words. */
export function droppedOf({ counts }: Vitals): string {
  const names = Object.keys(counts).filter((name) => /^(delivery|messages)\.dropped\.|\.refused$/.test(name));
  return names.map((name) => `${name} ${(counts[name] ?? 0).toLocaleString("en")}`).join(", ");
}
