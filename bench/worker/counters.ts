// Counters of one workerd: all its objects and its edge share one isolate, and so these.

const counters = new Map<string, number>();

export function count(name: string, by = 1): void {
  counters.set(name, (counters.get(name) ?? 0) + by);
}

export function counts(): Record<string, number> {
  return Object.fromEntries(counters);
}

/** From now on counts the timers that are set: each is an event of its own when it is due. */
export function countTimers(): void {
  const { setTimeout: set } = globalThis;
  const counted = (act: () => void, ms?: number) => {
    count("timers");
    return set(act, ms);
  };
  globalThis.setTimeout = counted as typeof setTimeout;
}
