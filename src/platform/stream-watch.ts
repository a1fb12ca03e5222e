// When the sockets of one object's streams are closed. An open one keeps the object awake, so all are closed soon after the
// last of them was used. While any is in use the object is awake anyway, and to open a stream is a request that is billed:
// then none is closed but what was not used for long.

import { LazyTimer } from "./lazy-timer.ts";

const LOOK_MS = 100;
/** After which a single one is closed. */
export const UNUSED_MS = 60_000;

export interface WatchedStream {
  /** Ends what has waited too long, and closes if nothing waits and it was not used for `unusedMs`. False: it is closed. */
  look(now: number, unusedMs: number): boolean;
}

/** Of one object, for all streams that it sends. */
export class StreamWatch {
  readonly #open = new Set<WatchedStream>();
  #usedAt = 0;
  readonly #timer = new LazyTimer(LOOK_MS, () => this.#look(Date.now()));

  /** A stream is used, and open until `look` says otherwise; `now`: epoch milliseconds. */
  used(stream: WatchedStream, now: number): void {
    this.#usedAt = now;
    this.#open.add(stream);
    this.#timer.arm();
  }

  /** Whether any is open still. */
  #look(now: number): boolean {
    const unusedMs = now - this.#usedAt >= LOOK_MS ? LOOK_MS : UNUSED_MS;
    for (const stream of this.#open) if (!stream.look(now, unusedMs)) this.#open.delete(stream);
    return this.#open.size > 0;
  }
}
