// Subscriptions of a shard's sessions: kept in SQLite, found by topic through the trie over their sorted filters, with
// a bounded cache of what each topic matched.

import { limits } from "../../broker/limits.ts";
import { BoundedCache } from "../../broker/bounded-cache.ts";
import type { Subscription } from "../../broker/mqtt/packets.ts";
import type { Grant, SessionSubscription } from "../../broker/session/grants.ts";
import { mergeGrants } from "../../broker/session/grants.ts";
import { FilterTrie } from "../../broker/topics/filter-trie.ts";
import { MatchCache } from "../../broker/topics/match-cache.ts";
import { isShare } from "../../broker/topics/share.ts";
import { firstRow } from "../../platform/first-row.ts";

/** All filters of the shard are one partition of the trie. */
const PARTITION = 0;

interface SubscriptionRow extends Record<string, SqlStorageValue> {
  filter: string;
  uid: number;
  qos: number;
  no_local: number;
  retain_as_published: number;
  retain_handling: number;
  identifier: number;
  exclusive: number;
}

export interface StoredSubscription extends Subscription {
  /** With `$share/{group}/`, without `$exclusive/`. */
  readonly filter: string;
  readonly identifier: number;
  /** Whether no other session may have the filter so. */
  readonly exclusive: boolean;
}

export class Subscriptions {
  readonly #sql: SqlStorage;
  readonly #trie: FilterTrie;
  readonly #matched = new MatchCache<readonly Grant[]>(limits.matchCacheEntries, ({ length }) => length);
  /** What one subscription alone grants. */
  readonly #single = new BoundedCache<string, Grant>(limits.offlineSessionCache);

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    const firstFrom = (_partition: number, from: string) => {
      const row = firstRow(
        sql.exec<{ filter: string }>("SELECT filter FROM subscription WHERE filter >= ? ORDER BY filter LIMIT 1", from),
      );
      return row?.filter ?? null;
    };
    this.#trie = new FilterTrie({ firstFrom }, limits.trieCacheNodes);
  }

  /** How each session with a matching subscription gets a message of this topic. */
  match(topic: string): readonly Grant[] {
    const cached = this.#matched.get(topic);
    if (cached !== undefined) return cached;
    const subscriptions: SessionSubscription[] = [];
    for (const filter of this.#trie.match(PARTITION, topic)) {
      for (const row of this.#sql.exec<SubscriptionRow>("SELECT * FROM subscription WHERE filter = ?", filter)) {
        subscriptions.push({ ...subscriptionOf(row), session: row.uid });
      }
    }
    const grants = mergeGrants(subscriptions);
    this.#matched.set(topic, grants);
    return grants;
  }

  find(session: number, filter: string): StoredSubscription | null {
    const row = firstRow(
      this.#sql.exec<SubscriptionRow>("SELECT * FROM subscription WHERE filter = ? AND uid = ?", filter, session),
    );
    return row === undefined ? null : subscriptionOf(row);
  }

  /** How a session gets messages through one subscription alone; null: it has no such. */
  grantOf(session: number, filter: string): Grant | null {
    const name = `${session} ${filter}`;
    const known = this.#single.get(name);
    if (known !== undefined) return known;
    const subscription = this.find(session, filter);
    const grant = subscription === null ? null : (mergeGrants([{ ...subscription, session }])[0] ?? null);
    if (grant !== null) this.#single.set(name, grant);
    return grant;
  }

  /** The shares that a session is a member of. */
  shares(session: number): string[] {
    const rows = this.#sql.exec<{ filter: string }>(
      "SELECT filter FROM subscription WHERE uid = ? AND filter >= '$share/' AND filter < '$share0'",
      session,
    );
    return Array.from(rows, ({ filter }) => filter);
  }

  list(session: number): StoredSubscription[] {
    const rows = this.#sql.exec<SubscriptionRow>("SELECT * FROM subscription WHERE uid = ? ORDER BY filter", session);
    return Array.from(rows, subscriptionOf);
  }

  count(session: number): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM subscription WHERE uid = ?", session).one().n;
  }

  countAll(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM subscription").one().n;
  }

  /** How many of all are shared. */
  countShared(): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM subscription WHERE filter >= '$share/' AND filter < '$share0'")
      .one().n;
  }

  /** Stores a subscription or replaces the one with the same filter. [MQTT-3.8.4-3] */
  add(session: number, subscription: StoredSubscription): void {
    const { filter, qos, noLocal, retainAsPublished, retainHandling, identifier, exclusive } = subscription;
    this.#sql.exec(
      `INSERT OR REPLACE INTO subscription
       (filter, uid, qos, no_local, retain_as_published, retain_handling, identifier, exclusive)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      filter,
      session,
      qos,
      noLocal ? 1 : 0,
      retainAsPublished ? 1 : 0,
      retainHandling,
      identifier,
      exclusive ? 1 : 0,
    );
    this.#changed(session, filter);
    if (!isShare(filter)) this.#trie.added(PARTITION, filter);
  }

  /** True if there was one. */
  remove(session: number, filter: string): boolean {
    const removed = this.#sql.exec("DELETE FROM subscription WHERE filter = ? AND uid = ?", filter, session);
    if (removed.rowsWritten === 0) return false;
    this.#changed(session, filter);
    if (!this.wanted(filter)) this.#trie.removed(PARTITION, filter);
    return true;
  }

  /** The session that has this filter exclusively, or null. */
  holder(filter: string): number | null {
    const holders = this.#sql.exec<{ uid: number }>(
      "SELECT uid FROM subscription WHERE filter = ? AND exclusive = 1",
      filter,
    );
    return firstRow(holders)?.uid ?? null;
  }

  /** Whether any session of the shard has this filter. */
  wanted(filter: string): boolean {
    return this.#sql.exec("SELECT 1 FROM subscription WHERE filter = ? LIMIT 1", filter).toArray().length > 0;
  }

  #changed(session: number, filter: string): void {
    this.#single.delete(`${session} ${filter}`);
    this.#matched.changed(filter);
  }
}

function subscriptionOf(row: SubscriptionRow): StoredSubscription {
  return {
    filter: row.filter,
    qos: row.qos as 0 | 1 | 2,
    noLocal: row.no_local === 1,
    retainAsPublished: row.retain_as_published === 1,
    retainHandling: row.retain_handling as 0 | 1 | 2,
    identifier: row.identifier,
    exclusive: row.exclusive === 1,
  };
}
