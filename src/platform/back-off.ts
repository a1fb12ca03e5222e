// How long to wait before trying again: doubling, bounded, with jitter so that many do not come at once.

const FIRST_MS = 50;
const LONGEST_MS = 30_000;

/** Milliseconds before try `attempt` (from 1); `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return full / 2 + (random * full) / 2;
}
