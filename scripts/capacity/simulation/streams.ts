// The streams that objects of a kind send, as each object watches its own (src/platform/stream-watch.ts): opened with a
// batch; looked at in intervals while any is open; closed all together once the last was silent for an interval, and each
// by itself once it was unused for long. Meanwhile they keep their object awake.

import { UNUSED_MS } from "../../../src/platform/stream-watch.ts";
import type { AwakeObjects } from "./awake-objects.ts";
import type { Step } from "./messages.ts";

interface Sender {
  /** When each open stream's last batch is answered, by its receiver: it is not closed before. */
  open: Map<number, number>;
  usedAt: number;
}

export class Streams {
  readonly #idleMs: number;
  readonly #objects: AwakeObjects;
  readonly #later: (at: number, step: Step) => void;
  readonly #senders = new Map<number, Sender>();

  /** `later` does a step at a time. */
  constructor(idleMs: number, objects: AwakeObjects, later: (at: number, step: Step) => void) {
    this.#idleMs = idleMs;
    this.#objects = objects;
    this.#later = later;
  }

  /** A batch goes out now and is answered then. True: its stream had to be opened. */
  send(object: number, receiver: number, now: number, answeredAt: number): boolean {
    const sender = this.#senders.get(object) ?? { open: new Map<number, number>(), usedAt: now };
    this.#senders.set(object, sender);
    const { open } = sender;
    const before = open.get(receiver);
    if (open.size === 0) this.#lookLater(object, sender, now);
    open.set(receiver, Math.max(answeredAt, before ?? 0));
    sender.usedAt = now;
    this.#later(answeredAt, (at) => {
      sender.usedAt = at;
    });
    return before === undefined;
  }

  #lookLater(object: number, sender: Sender, now: number): void {
    this.#objects.keep(object, now, now + this.#idleMs);
    this.#later(now + this.#idleMs, (at) => {
      const unusedMs = at - sender.usedAt >= this.#idleMs ? this.#idleMs : UNUSED_MS;
      for (const [receiver, answeredAt] of sender.open) {
        if (at - answeredAt >= unusedMs) sender.open.delete(receiver);
      }
      if (sender.open.size > 0) this.#lookLater(object, sender, at);
    });
  }
}
