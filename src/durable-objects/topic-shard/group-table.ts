// The groups of shared subscriptions and their members: rows in SQLite, found by topic through the trie over their sorted
// filters. Groups that are used are kept in memory, within a bound, with what their strategy remembers.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { limits } from "../../broker/limits.ts";
import { FilterTrie } from "../../broker/topics/filter-trie.ts";
import { MatchCache } from "../../broker/topics/match-cache.ts";
import type { Share } from "../../broker/topics/share.ts";
import { shareOf } from "../../broker/topics/share.ts";
import { SharedGroup } from "../../broker/topics/shared-group.ts";
import { EVERYWHERE, slotOfFilter, slotOfTopic } from "../../broker/topics/slots.ts";
import { firstRow } from "../../platform/first-row.ts";
import { tableEmpty } from "./table-empty.ts";

const NONE: readonly Share[] = [];

/** A session whose client is connected. */
export interface OnlineMember {
  readonly uid: number;
  /** Index of its session shard. */
  readonly shard: number;
}

/** The part of a group that is kept in memory. */
export interface Group {
  readonly share: Share;
  readonly slot: number;
  /** In the order of their uids. */
  readonly online: OnlineMember[];
  readonly choice: SharedGroup<OnlineMember>;
  /** Messages that wait for a member, and their bytes. */
  waiting: number;
  waitingBytes: number;
}

interface MemberRow extends Record<string, SqlStorageValue> {
  uid: number;
  shard: number;
  number: number;
}

/** What a session shard says of a member. */
export interface MemberWord {
  readonly shard: number;
  readonly uid: number;
  /** Grows with each word of that shard. */
  readonly number: number;
  readonly is: "online" | "offline" | "gone";
  /** The shard whose word this one takes over, since the session has moved. */
  readonly movedFrom?: number | undefined;
}

export class GroupTable {
  readonly #sql: SqlStorage;
  readonly #loadOf: (uid: number) => number;
  #trie: FilterTrie;
  #matched = newMatchCache();
  #groups = new BoundedCache<string, Group>(limits.groupCacheEntries);
  /** Mostly there is none, and then none is looked for. */
  #none: boolean;

  /** `loadOf`: messages that a member has at hand, by uid. */
  constructor(sql: SqlStorage, loadOf: (uid: number) => number) {
    this.#sql = sql;
    this.#loadOf = loadOf;
    this.#none = tableEmpty(sql, "member");
    this.#trie = this.#newTrie();
  }

  /** Rows have changed by themselves: nothing is remembered of them. */
  forget(): void {
    this.#none = tableEmpty(this.#sql, "member");
    this.#trie = this.#newTrie();
    this.#matched = newMatchCache();
    this.#groups = new BoundedCache(limits.groupCacheEntries);
  }

  /** The shares of a topic's messages: each of their groups gets one of each. [MQTT-4.8.2-3] */
  match(topic: string): readonly Share[] {
    if (this.#none) return NONE;
    const cached = this.#matched.get(topic);
    if (cached !== undefined) return cached;
    const matched: Share[] = [];
    for (const slot of [EVERYWHERE, slotOfTopic(topic)]) {
      for (const filter of this.#trie.match(slot, topic)) {
        const rows = this.#sql.exec<{ grp: string }>(
          "SELECT DISTINCT grp FROM member WHERE slot = ? AND filter = ?",
          slot,
          filter,
        );
        for (const { grp } of rows) matched.push(shareOf(grp, filter));
      }
    }
    this.#matched.set(topic, matched);
    return matched;
  }

  /** Null: it has no member. */
  find(share: Share): Group | null {
    if (this.#none) return null;
    const known = this.#groups.get(share.name);
    if (known !== undefined) return known;
    const slot = slotOfFilter(share.filter);
    if (!this.#hasMembers(slot, share)) return null;
    const rows = this.#sql.exec<MemberRow>(
      "SELECT uid, shard, number FROM member WHERE slot = ? AND filter = ? AND grp = ? AND online = 1 ORDER BY uid",
      slot,
      share.filter,
      share.group,
    );
    const waiting = this.#sql
      .exec<{ messages: number; bytes: number }>(
        `SELECT count(*) AS messages, coalesce(sum(length(packet)), 0) AS bytes
         FROM group_message WHERE slot = ? AND filter = ? AND grp = ?`,
        slot,
        share.filter,
        share.group,
      )
      .one();
    const group: Group = {
      share,
      slot,
      online: Array.from(rows, ({ uid, shard }) => ({ uid, shard })),
      choice: new SharedGroup<OnlineMember>(({ uid }) => this.#loadOf(uid), Math.random),
      waiting: waiting.messages,
      waitingBytes: waiting.bytes,
    };
    this.#groups.set(share.name, group);
    return group;
  }

  /** Shares of which something waits though a member is connected. */
  unserved(): Share[] {
    if (this.#none) return [];
    const rows = this.#sql.exec<{ filter: string; grp: string }>(
      `SELECT DISTINCT filter, grp FROM group_message AS waiting WHERE EXISTS (
         SELECT 1 FROM member WHERE online = 1
           AND member.slot = waiting.slot AND member.filter = waiting.filter AND member.grp = waiting.grp)`,
    );
    return Array.from(rows, ({ filter, grp }) => shareOf(grp, filter));
  }

  /** Makes a session shard's word about a member true, unless a newer one is known. */
  apply(share: Share, { shard, uid, number, is, movedFrom }: MemberWord): void {
    const slot = slotOfFilter(share.filter);
    const { filter, group } = share;
    const known = firstRow(
      this.#sql.exec<MemberRow>(
        "SELECT uid, shard, number FROM member WHERE slot = ? AND filter = ? AND grp = ? AND uid = ?",
        slot,
        filter,
        group,
        uid,
      ),
    );
    if (known !== undefined && known.shard !== movedFrom) {
      // A shard has no say about a session that has left it.
      if (known.shard !== shard || known.number >= number) return;
    }
    if (known === undefined && is === "gone") return;
    const before = this.find(share);
    if (is === "gone") {
      this.#sql.exec(
        "DELETE FROM member WHERE slot = ? AND filter = ? AND grp = ? AND uid = ?",
        slot,
        filter,
        group,
        uid,
      );
      if (!this.#hasMembers(slot, share)) this.#ended(slot, share);
    } else {
      this.#sql.exec(
        `INSERT OR REPLACE INTO member (slot, filter, grp, uid, shard, number, online) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        slot,
        filter,
        group,
        uid,
        shard,
        number,
        is === "online" ? 1 : 0,
      );
      this.#none = false;
      if (before === null) {
        this.#trie.added(slot, filter);
        this.#matched.changed(filter);
      }
    }
    if (before !== null) place(before.online, uid, is === "online" ? { uid, shard } : null);
  }

  #newTrie(): FilterTrie {
    const firstFrom = (slot: number, from: string) => {
      const row = firstRow(
        this.#sql.exec<{ filter: string }>(
          "SELECT filter FROM member WHERE slot = ? AND filter >= ? ORDER BY filter LIMIT 1",
          slot,
          from,
        ),
      );
      return row?.filter ?? null;
    };
    return new FilterTrie({ firstFrom }, limits.trieCacheNodes);
  }

  /** The last member has left: nothing of the group is kept. */
  #ended(slot: number, { name, filter, group }: Share): void {
    this.#sql.exec("DELETE FROM group_message WHERE slot = ? AND filter = ? AND grp = ?", slot, filter, group);
    this.#groups.delete(name);
    const others = this.#sql.exec("SELECT 1 FROM member WHERE slot = ? AND filter = ? LIMIT 1", slot, filter);
    if (others.toArray().length === 0) this.#trie.removed(slot, filter);
    this.#matched.changed(filter);
    this.#none = tableEmpty(this.#sql, "member");
  }

  #hasMembers(slot: number, { filter, group }: Share): boolean {
    const rows = this.#sql.exec(
      "SELECT 1 FROM member WHERE slot = ? AND filter = ? AND grp = ? LIMIT 1",
      slot,
      filter,
      group,
    );
    return rows.toArray().length > 0;
  }
}

function newMatchCache(): MatchCache<readonly Share[]> {
  return new MatchCache(limits.matchCacheEntries, ({ length }) => length);
}

/** Puts `member` in the place of uid, or nobody. */
function place(online: OnlineMember[], uid: number, member: OnlineMember | null): void {
  const at = placeOf(online, uid);
  const here = online[at]?.uid === uid ? 1 : 0;
  if (member === null) online.splice(at, here);
  else online.splice(at, here, member);
}

/** Where uid stands, or would stand. */
function placeOf(online: readonly OnlineMember[], uid: number): number {
  let [low, high] = [0, online.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((online[middle]?.uid ?? 0) < uid) low = middle + 1;
    else high = middle;
  }
  return low;
}
