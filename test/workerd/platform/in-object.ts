// Runs test code inside a real object with its real storage and alarm: a Deployment that was never provisioned, which
// keeps nothing of its own.

import type { evictDurableObject } from "cloudflare:test";
import { env, runInDurableObject } from "cloudflare:test";

type Stub = Parameters<typeof evictDurableObject>[0];

export interface WithAlarm {
  alarm(): Promise<void>;
}

let made = 0;

/** A new object's stub. */
export function newObject(): Stub {
  const { DEPLOYMENT } = env as unknown as { DEPLOYMENT: { getByName(name: string): Stub } };
  return DEPLOYMENT.getByName(`platform-test-${++made}`);
}

export function inObject<T>(
  stub: Stub,
  work: (storage: DurableObjectStorage, instance: WithAlarm) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(stub, (instance, state) => work(state.storage, instance as unknown as WithAlarm));
}
