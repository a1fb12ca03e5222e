// The subscription trie. It has no nodes of its own: the store's sorted index of filters is the trie, and a node is a
// prefix that some filter has. What was found of a prefix is kept in a bounded cache, so topics that come again cost map
// look-ups, and a shard that wakes reads only the prefixes that its next topic asks for.

import { BoundedCache } from "../bounded-cache.ts";
import type { SortedKeys } from "./sorted-keys.ts";

const SLASH = 0x2f;
const HASH = 0x23;
const PLUS = 0x2b;

/** What is known of a prefix: whole levels, without a slash at the end. */
interface Node {
  /** The prefix is a filter itself. */
  terminal: boolean;
  /** Filters go on behind it. */
  inner: boolean;
  /** The prefix with a level `#` behind it is a filter. */
  many: boolean;
  /** False: no filter goes on with a level `+`. */
  maySingle: boolean;
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
    this.#descend(partition, levels[0] ?? "", levels, 1, found);
    if (topic.startsWith("$")) return found; // [MQTT-4.7.2-1]
    this.#descend(partition, "+", levels, 1, found);
    if (this.#node(partition, "#").terminal) found.push("#");
    return found;
  }

  /** To be called once a filter is in the store. What is remembered stays true without asking. */
  added(partition: number, filter: string): void {
    const node = this.#nodes.get(nameOf(partition, filter));
    if (node !== undefined) node.terminal = true;
    for (let at = filter.indexOf("/"); at >= 0; at = filter.indexOf("/", at + 1)) {
      const above = this.#nodes.get(nameOf(partition, filter.slice(0, at)));
      if (above === undefined) continue;
      above.inner = true;
      if (filter.charCodeAt(at + 1) === HASH) above.many = true;
      if (filter.charCodeAt(at + 1) === PLUS) above.maySingle = true;
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
    if (node.many) found.push(`${prefix}/#`); // The parent level too. [MQTT-4.7.1-2]
    if (depth === levels.length) {
      if (node.terminal) found.push(prefix);
      return;
    }
    if (!node.inner) return;
    this.#descend(partition, `${prefix}/${levels[depth] ?? ""}`, levels, depth + 1, found);
    if (node.maySingle) this.#descend(partition, `${prefix}/+`, levels, depth + 1, found);
  }

  #node(partition: number, prefix: string): Node {
    const name = nameOf(partition, prefix);
    const cached = this.#nodes.get(name);
    if (cached !== undefined) return cached;
    const node = this.#find(partition, prefix);
    this.#nodes.set(name, node);
    return node;
  }

  /** Each key that a seek gives tells as well what is not there: all that would stand before it. */
  #find(partition: number, prefix: string): Node {
    const first = this.#keys.firstFrom(partition, prefix);
    const terminal = first === prefix;
    let child = first;
    if (first?.startsWith(prefix) === true && first.charCodeAt(prefix.length) !== SLASH) {
      // The prefix itself, or the likes of `a!`, stand before `a/`.
      child = this.#keys.firstFrom(partition, `${prefix}/`);
    }
    if (child?.startsWith(`${prefix}/`) !== true) return { terminal, inner: false, many: false, maySingle: false };
    const next = child.charCodeAt(prefix.length + 1); // NaN: an empty level, which stands before all others.
    const many = next === HASH || (!(next > HASH) && this.#isKey(partition, `${prefix}/#`));
    return { terminal, inner: true, many, maySingle: !(next > PLUS) };
  }

  #isKey(partition: number, key: string): boolean {
    return this.#keys.firstFrom(partition, key) === key;
  }
}

function nameOf(partition: number, prefix: string): string {
  return `${partition} ${prefix}`;
}
