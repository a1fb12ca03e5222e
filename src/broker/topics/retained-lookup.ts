// Topics of a sorted store that match a filter, found by seeking: below a literal level there is one place to look,
// below `+` one seek a child, below `#` one range.

import type { SortedKeys } from "./sorted-keys.ts";
import { behindChildren } from "./sorted-keys.ts";

/** The topics of a partition that match a filter, each once, in no order that matters. MQTT 5.0 section 4.7. The store
 *  may lose the topics given while this runs. */
export function* retainedTopics(keys: SortedKeys, partition: number, filter: string): Generator<string> {
  yield* below(keys, partition, null, filter.split("/"), 0);
}

/** Matches of the levels from `depth` on under `prefix` (null: the root). */
function* below(
  keys: SortedKeys,
  partition: number,
  prefix: string | null,
  levels: readonly string[],
  depth: number,
): Generator<string> {
  const level = levels[depth];
  if (level === undefined) {
    if (prefix !== null && keys.firstFrom(partition, prefix) === prefix) yield prefix;
    return;
  }
  if (level === "#") {
    // The parent level too. [MQTT-4.7.1-2]
    if (prefix !== null && keys.firstFrom(partition, prefix) === prefix) yield prefix;
    yield* allUnder(keys, partition, prefix);
    return;
  }
  if (level !== "+") {
    yield* below(keys, partition, join(prefix, level), levels, depth + 1);
    return;
  }
  for (const child of children(keys, partition, prefix)) {
    yield* below(keys, partition, join(prefix, child), levels, depth + 1);
  }
}

function* allUnder(keys: SortedKeys, partition: number, prefix: string | null): Generator<string> {
  const start = prefix === null ? "" : `${prefix}/`;
  let from = start;
  for (;;) {
    const key = keys.firstFrom(partition, from);
    if (key === null || !key.startsWith(start)) return;
    if (prefix === null && key.startsWith("$")) {
      from = "%"; // Behind all that begin with $. [MQTT-4.7.2-1]
      continue;
    }
    yield key;
    from = `${key}\u0001`; // No topic contains U+0000, so nothing lies between.
  }
}

/** The distinct next levels under a prefix. */
function* children(keys: SortedKeys, partition: number, prefix: string | null): Generator<string> {
  const start = prefix === null ? "" : `${prefix}/`;
  // A topic stands before its children, but others may stand between them: `a`, `a!`, `a/b`. All of those begin with
  // it, so the topics given whose children may still come are prefixes of one another.
  const given: string[] = [];
  let from = start;
  for (;;) {
    const key = keys.firstFrom(partition, from);
    if (key === null || !key.startsWith(start)) return;
    if (prefix === null && key.startsWith("$")) {
      from = "%"; // [MQTT-4.7.2-1]
      continue;
    }
    while (given.length > 0 && !key.startsWith(given.at(-1) ?? "")) given.pop();
    const end = key.indexOf("/", start.length);
    const child = end < 0 ? key : key.slice(0, end);
    from = end < 0 ? `${key}\u0001` : behindChildren(child);
    if (given.at(-1) !== child) yield child.slice(start.length);
    if (end < 0) given.push(key);
  }
}

function join(prefix: string | null, level: string): string {
  return prefix === null ? level : `${prefix}/${level}`;
}
