// The port to filters or topics as a store keeps them: sorted, so that its index is the trie.

export interface SortedKeys {
  /** The first key of a partition that is not below `from`, in the order of UTF-8 bytes; null behind the last. */
  firstFrom(partition: number, from: string): string | null;
}

/** The smallest string above all that begin with `prefix` and a slash: `0` comes right behind `/`. */
export function behindChildren(prefix: string): string {
  return `${prefix}0`;
}

/** The smallest key above `key`: no topic and no filter contains U+0000. */
export function behind(key: string): string {
  return `${key}\u0001`;
}
