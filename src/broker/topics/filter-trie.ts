// The subscription trie. It has no nodes of its own: the store's sorted index of filters is the trie, and a node is a
// prefix that some filter has. What was found of a prefix is kept in a bounded cache, so topics that come again cost map
// look-ups, and a shard that wakes reads only the prefixes that its next topic asks for.

import { BoundedCache } from "../bounded-cache.ts";
import type { SortedKeys } from "./sorted-keys.ts";

interface Node {
  /** The prefix is a filter itself. */
  terminal: boolean;
  /** Filters go on behind it. */
  inner: boolean;
}

export class FilterTrie {
  readonly #keys: SortedKeys;
  readonly #nodes: BoundedCache<string, Node>;

  /** `cacheNodesMax`: how many prefixes are remembered. */
  constructor(keys: SortedKeys, cacheNodesMax: number) {
    this.#keys = keys;
    this.#nodes = new BoundedCache(cacheNodesMax);
  }

  /** All filters of a partition that match a topic name, each once, in no order that matters. MQTT 5.0 section 4.7. */
  match(partition: number, topic: string): string[] {
    const levels = topic.split("/");
    const found: string[] = [];
    const first = levels[0] ?? "";
    this.#descend(partition, first, levels, 1, found);
    if (!topic.startsWith("$")) {
      // [MQTT-4.7.2-1]
      this.#descend(partition, "+", levels, 1, found);
      if (this.#node(partition, "#").terminal) found.push("#");
    }
    return found;
  }

  /** To be called once a filter is in the store. What is remembered stays true without asking. */
  added(partition: number, filter: string): void {
    const node = this.#nodes.get(nameOf(partition, filter));
    if (node !== undefined) node.terminal = true;
    for (let at = filter.indexOf("/"); at >= 0; at = filter.indexOf("/", at + 1)) {
      const above = this.#nodes.get(nameOf(partition, filter.slice(0, at)));
      if (above !== undefined) above.inner = true;
    }
  }

  /** To be called once a filter is no longer in the store. Its prefixes are asked for anew. */
  removed(partition: number, filter: string): void {
    this.#nodes.delete(nameOf(partition, filter));
    for (let at = filter.indexOf("/"); at >= 0; at = filter.indexOf("/", at + 1)) {
      this.#nodes.delete(nameOf(partition, filter.slice(0, at)));
    }
  }

  /** `prefix` stands for the first `depth` levels: goes on below it. */
  #descend(partition: number, prefix: string, levels: readonly string[], depth: number, found: string[]): void {
    const node = this.#node(partition, prefix);
    if (depth === levels.length && node.terminal) found.push(prefix);
    if (!node.inner) return;
    const manyLevels = `${prefix}/#`;
    if (this.#node(partition, manyLevels).terminal) found.push(manyLevels);
    if (depth === levels.length) return;
    this.#descend(partition, `${prefix}/${levels[depth] ?? ""}`, levels, depth + 1, found);
    this.#descend(partition, `${prefix}/+`, levels, depth + 1, found);
  }

  #node(partition: number, prefix: string): Node {
    const name = nameOf(partition, prefix);
    const cached = this.#nodes.get(name);
    if (cached !== undefined) return cached;
    const first = this.#keys.firstFrom(partition, prefix);
    const terminal = first === prefix;
    const node = { terminal, inner: this.#inner(partition, prefix, first) };
    this.#nodes.set(name, node);
    return node;
  }

  /** `first`: the first key from the prefix on. Mostly it tells already whether something is below the prefix. */
  #inner(partition: number, prefix: string, first: string | null): boolean {
    if (first === null || !first.startsWith(prefix)) return false;
    if (prefix === "#" || prefix.endsWith("/#")) return false; // [MQTT-4.7.1-1]
    const children = `${prefix}/`;
    // The prefix itself, or the likes of `a!`, stand before `a/`.
    return first.startsWith(children) || this.#keys.firstFrom(partition, children)?.startsWith(children) === true;
  }
}

function nameOf(partition: number, prefix: string): string {
  return `${partition} ${prefix}`;
}
