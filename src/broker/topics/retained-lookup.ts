// Topics of a sorted store that match a filter, found by seeking: what cannot match is jumped over where the order of
// the keys allows it, so below a literal level there is one place to look and below `#` one range.

import { compareKeys } from "../compare-keys.ts";
import type { SortedKeys } from "./sorted-keys.ts";
import { behind, behindChildren } from "./sorted-keys.ts";

/** Behind all topics that begin with `$`. */
const BEHIND_DOLLAR = "%";

/** A topic that was met on the way. */
export interface Met {
  readonly topic: string;
  readonly matches: boolean;
}

/** The topics of a partition behind `after` ("": all) that match a filter, each once, in the store's order, and those
 *  between that were met and do not. MQTT 5.0 section 4.7. The store may change while this runs. */
export function* retainedTopics(keys: SortedKeys, partition: number, filter: string, after: string): Generator<Met> {
  const levels = filter.split("/");
  const wildcard = levels.findIndex((level) => level === "+" || level === "#");
  const literal = wildcard < 0 ? filter : levels.slice(0, wildcard).join("/");
  let from: string | null = after === "" ? literal : behind(after);
  while (from !== null) {
    const key = keys.firstFrom(partition, from);
    if (key === null) return;
    const candidate = firstCandidate(levels, key);
    yield { topic: key, matches: candidate === key };
    from = candidate === key ? behind(key) : candidate;
  }
}

/** The first string from `key` on that may be a matching topic: `key` itself if it matches; null: there is none. */
function firstCandidate(levels: readonly string[], key: string): string | null {
  const given = key.split("/");
  /** The levels passed, with a slash behind each. */
  let passed = "";
  for (const [i, level] of levels.entries()) {
    const wild = level === "+" || level === "#";
    if (wild && i === 0 && key.startsWith("$")) return BEHIND_DOLLAR; // [MQTT-4.7.2-1]
    if (level === "#") return key; // The parent level too. [MQTT-4.7.1-2]
    const part = given[i];
    if (part === undefined) return behind(key); // Its children come later, and others may stand between.
    if (!wild && part !== level) return candidateAt(passed, level, levels[i + 1], key);
    passed += `${part}/`;
  }
  return given.length === levels.length ? key : behindChildren(passed.slice(0, -1));
}

/** The first candidate from `key` on, which has another level than `level` behind `passed`. */
function candidateAt(passed: string, level: string, next: string | undefined, key: string): string | null {
  const self = passed + level;
  const below = `${self}/`;
  if ((next === undefined || next === "#") && compareKeys(key, self) < 0) return self;
  if (next !== undefined && compareKeys(key, below) < 0) return below;
  return passed === "" ? null : behindChildren(passed.slice(0, -1));
}
