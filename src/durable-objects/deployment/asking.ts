// How other objects are asked while slots move: until they say yes, or again when a call fails.

import { NotYet } from "../../platform/deadlines.ts";
import { inTime } from "./shard-list.ts";

/** How long a call may take. */
export const CALL_MS = 5_000;
/** How often a call is made that fails: an object that died has begun again by then. */
const TRIES = 4;
const AGAIN_MS = 50;

/** Asks every so often until the answer is yes. Throws NotYet when it was not for so long. */
export async function until(ms: number, askMs: number, ask: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + ms; !(await inTime(ask(), CALL_MS));) {
    if (Date.now() >= end) throw new NotYet("something is under way still");
    await pass(askMs);
  }
}

/** Makes a call that may be made again: some times, if it fails. One of many in a row: where all objects are in one process, its
 *  thread has something else to do as well. */
export async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      await pass(0);
      return await inTime(call(), CALL_MS);
    } catch (error) {
      if (tries >= TRIES) throw error;
      await pass(AGAIN_MS * 2 ** tries);
    }
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
