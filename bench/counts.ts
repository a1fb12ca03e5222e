// What a broker has used and done so far: CPU time, and what the counting build of the Worker (bench/worker) tells.

import type { Target } from "./client.ts";
import { cpuMicroseconds } from "./processes.ts";

export type Counts = Record<string, number>;

export const CPU = "cpuMicroseconds";

/** Empty: nothing is known. */
export async function readCounts({ countsUrl, pid }: Target): Promise<Counts> {
  const cpu = await cpuMicroseconds(pid);
  const counted = countsUrl === undefined ? {} : ((await (await fetch(countsUrl)).json()) as Counts);
  return cpu === null ? counted : { ...counted, [CPU]: cpu };
}

export function since(now: Counts, before: Counts): Counts {
  return Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}
