// What topics matched, remembered while filters come and go. A change of a filter costs nothing here: each remembered
// topic is checked, when it comes again, against the changes since it was last right.

import { BoundedCache } from "../bounded-cache.ts";
import { matches } from "./topic-match.ts";

/** Changes kept; a topic that missed more than these is looked up anew. */
const CHANGES = 64;

interface Remembered<Value> {
  readonly value: Value;
  /** How many changes there had been when the value was known to be right. */
  changes: number;
}

export class MatchCache<Value> {
  readonly #topics: BoundedCache<string, Remembered<Value>>;
  /** The last changes, change n at n modulo CHANGES. */
  readonly #filters: string[] = [];
  #changes = 0;

  /** `weightMax`: how much is remembered; a topic weighs 1, and what it matched `weigh` more. */
  constructor(weightMax: number, weigh: (value: Value) => number) {
    this.#topics = new BoundedCache(weightMax, ({ value }) => 1 + weigh(value));
  }

  /** What was set for a topic, or undefined: not known, or no longer right. */
  get(topic: string): Value | undefined {
    const remembered = this.#topics.get(topic);
    if (remembered === undefined) return undefined;
    if (remembered.changes !== this.#changes) {
      if (this.#touched(topic, remembered.changes)) {
        this.#topics.delete(topic);
        return undefined;
      }
      remembered.changes = this.#changes;
    }
    return remembered.value;
  }

  set(topic: string, value: Value): void {
    this.#topics.set(topic, { value, changes: this.#changes });
  }

  /** What a filter gives has changed: topics that it matches are forgotten. `filter` without `$share/{group}/`. */
  changed(filter: string): void {
    this.#filters[this.#changes % CHANGES] = filter;
    this.#changes += 1;
  }

  #touched(topic: string, since: number): boolean {
    if (this.#changes - since > CHANGES) return true;
    for (let change = since; change < this.#changes; change++) {
      const filter = this.#filters[change % CHANGES];
      if (filter === undefined || matches(filter, topic)) return true;
    }
    return false;
  }
}
