// Which session shards want a topic: routes in SQLite, found through the trie over their sorted filters, with a bounded
// cache of what each topic matched.

import { limits } from "../../broker/limits.ts";
import { FilterTrie } from "../../broker/topics/filter-trie.ts";
import { MatchCache } from "../../broker/topics/match-cache.ts";
import { EVERYWHERE, slotOfFilter, slotOfTopic } from "../../broker/topics/slots.ts";
import { firstRow } from "../../platform/first-row.ts";

export class RouteTable {
  readonly #sql: SqlStorage;
  #trie: FilterTrie;
  #matched = newMatchCache();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#trie = this.#newTrie();
  }

  /** Rows have changed by themselves: nothing is remembered of them. */
  forget(): void {
    this.#trie = this.#newTrie();
    this.#matched = newMatchCache();
  }

  /** Indexes of the session shards that want a topic, each once. */
  match(topic: string): readonly number[] {
    const cached = this.#matched.get(topic);
    if (cached !== undefined) return cached;
    const shards = new Set<number>();
    for (const slot of [EVERYWHERE, slotOfTopic(topic)]) {
      for (const filter of this.#trie.match(slot, topic)) {
        const rows = this.#sql.exec<{ shard: number }>(
          "SELECT shard FROM route WHERE slot = ? AND filter = ?",
          slot,
          filter,
        );
        for (const { shard } of rows) shards.add(shard);
      }
    }
    const matched = [...shards];
    this.#matched.set(topic, matched);
    return matched;
  }

  /** Makes a session shard's word about a filter true, unless a newer one is known. */
  apply(shard: number, filter: string, number: number, wanted: boolean): void {
    const slot = slotOfFilter(filter);
    const known = firstRow(
      this.#sql.exec<{ number: number }>(
        "SELECT number FROM route WHERE slot = ? AND filter = ? AND shard = ?",
        slot,
        filter,
        shard,
      ),
    );
    if (known !== undefined && known.number >= number) return;
    if (wanted) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO route (slot, filter, shard, number) VALUES (?, ?, ?, ?)",
        slot,
        filter,
        shard,
        number,
      );
      if (known !== undefined) return;
      this.#trie.added(slot, filter);
    } else {
      if (known === undefined) return;
      this.#sql.exec("DELETE FROM route WHERE slot = ? AND filter = ? AND shard = ?", slot, filter, shard);
      const others = this.#sql.exec("SELECT 1 FROM route WHERE slot = ? AND filter = ? LIMIT 1", slot, filter);
      if (others.toArray().length === 0) this.#trie.removed(slot, filter);
    }
    this.#matched.changed(filter);
  }

  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM route").one().n;
  }

  #newTrie(): FilterTrie {
    const firstFrom = (slot: number, from: string) => {
      const row = firstRow(
        this.#sql.exec<{ filter: string }>(
          "SELECT filter FROM route WHERE slot = ? AND filter >= ? ORDER BY filter LIMIT 1",
          slot,
          from,
        ),
      );
      return row?.filter ?? null;
    };
    return new FilterTrie({ firstFrom }, limits.trieCacheNodes);
  }
}

function newMatchCache(): MatchCache<readonly number[]> {
  return new MatchCache(limits.matchCacheEntries, ({ length }) => length);
}
