// Retained messages that a session has still to get for its subscriptions: asked for a page at a time, one subscription
// after the other, when the session has room for them. Remembered in SQLite, so that none is forgotten with the memory,
// and none that came before its page comes again with it.

import { compareKeys } from "../../broker/compare-keys.ts";
import { limits } from "../../broker/limits.ts";
import { matches } from "../../broker/topics/topic-match.ts";
import type { RetainedPage, RetainedRequest } from "../../contracts/envelope.ts";

export interface RetainedReadPorts {
  /** Puts a request into the stream to a topic shard. */
  send(topicShard: number, request: RetainedRequest): void;
  /** How many messages a session takes now. */
  room(session: number): number;
  subscribed(session: number, filter: string): boolean;
}

interface Read {
  readonly filter: string;
  readonly topicShard: number;
  after: string;
  /** Topics behind that which the session has had before their page. */
  readonly early: Set<string>;
  asked: boolean;
}

interface ReadRow extends Record<string, SqlStorageValue> {
  uid: number;
  filter: string;
  shard: number;
  after: string;
  early: string;
}

export class RetainedReads {
  readonly #sql: SqlStorage;
  readonly #ports: RetainedReadPorts;
  /** By session. */
  readonly #open = new Map<number, Read[]>();

  constructor(sql: SqlStorage, ports: RetainedReadPorts) {
    this.#sql = sql;
    this.#ports = ports;
    for (const { uid, filter, shard, after, early } of sql.exec<ReadRow>("SELECT * FROM retained_read")) {
      const topics = new Set(JSON.parse(early) as string[]);
      this.#keep(uid, [
        ...(this.#open.get(uid) ?? []),
        { filter, topicShard: shard, after, early: topics, asked: false },
      ]);
    }
  }

  /** Asks for what was asked for when the memory was lost. */
  recover(): void {
    for (const session of Array.from(this.#open.keys())) this.advance(session);
  }

  /** A retained message has come for a subscription, `early`: before its page. False: the session has had it. */
  take(topicShard: number, session: number, filter: string, topic: string, early: boolean): boolean {
    const read = this.#open.get(session)?.find((each) => each.filter === filter && each.topicShard === topicShard);
    if (read === undefined) return true;
    if (compareKeys(topic, read.after) <= 0 || read.early.has(topic)) return false;
    if (early) this.#setEarly(session, read, topic);
    return true;
  }

  /** A message that is retained comes to a session live: not once more with a page. */
  overtaken(topicShard: number, session: number, topic: string): void {
    for (const read of this.#open.get(session) ?? []) {
      if (read.topicShard !== topicShard || compareKeys(topic, read.after) <= 0) continue;
      if (!read.early.has(topic) && matches(read.filter, topic)) this.#setEarly(session, read, topic);
    }
  }

  /** A topic shard has sent all between `page.from` and `page.after`. What is not the next page was asked for by a
   *  subscription that is no more, or twice because somebody lost its memory, and leads nowhere. */
  page(topicShard: number, { session, filter, from, after, more }: RetainedPage): void {
    if (!this.#ports.subscribed(session, filter)) {
      if (more) this.#ports.send(topicShard, { session, filter, after, limit: 0 });
      return;
    }
    const open = this.#open.get(session) ?? [];
    const known = open.find((read) => read.filter === filter && read.topicShard === topicShard);
    if ((known?.after ?? "") !== from) return;
    const others = open.filter((read) => read !== known);
    if (more) {
      const early = new Set(Array.from(known?.early ?? []).filter((topic) => compareKeys(topic, after) > 0));
      const read = { filter, topicShard, after, early, asked: false };
      others.push(read);
      this.#write(session, read);
    } else if (known !== undefined) {
      this.#sql.exec(
        "DELETE FROM retained_read WHERE uid = ? AND filter = ? AND shard = ?",
        session,
        filter,
        topicShard,
      );
    }
    this.#keep(session, others);
    this.advance(session);
  }

  /** Whether a topic shard owes a page. */
  awaits(topicShard: number): boolean {
    if (this.#open.size === 0) return false;
    for (const reads of this.#open.values()) {
      if (reads.some((read) => read.asked && read.topicShard === topicShard)) return true;
    }
    return false;
  }

  /** A topic shard has lost its memory: what it was asked for is asked again. */
  askAgain(topicShard: number): void {
    for (const [session, reads] of Array.from(this.#open)) {
      for (const read of reads) if (read.topicShard === topicShard) read.asked = false;
      this.advance(session);
    }
  }

  /** A session may have room: the next page is asked for. */
  advance(session: number): void {
    const open = this.#open.get(session);
    const [first] = open ?? [];
    if (open === undefined || first === undefined || open.some(({ asked }) => asked)) return;
    const limit = this.#ports.room(session);
    if (limit === 0) return;
    first.asked = true;
    this.#ports.send(first.topicShard, { session, filter: first.filter, after: first.after, limit });
  }

  /** A subscription ended, or is made anew. */
  drop(session: number, filter: string): void {
    const open = this.#open.get(session);
    if (open === undefined) return;
    const [dropped, kept] = [[] as Read[], [] as Read[]];
    for (const read of open) (read.filter === filter ? dropped : kept).push(read);
    if (dropped.length === 0) return;
    this.#sql.exec("DELETE FROM retained_read WHERE uid = ? AND filter = ?", session, filter);
    for (const { topicShard, after } of dropped) this.#ports.send(topicShard, { session, filter, after, limit: 0 });
    this.#keep(session, kept);
    this.advance(session);
  }

  /** Past the bound a message may come once more. */
  #setEarly(session: number, read: Read, topic: string): void {
    if (read.early.size >= limits.retainedEarly) return;
    read.early.add(topic);
    this.#write(session, read);
  }

  #write(session: number, { filter, topicShard, after, early }: Read): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO retained_read (uid, filter, shard, after, early) VALUES (?, ?, ?, ?, ?)",
      session,
      filter,
      topicShard,
      after,
      JSON.stringify(Array.from(early)),
    );
  }

  #keep(session: number, open: Read[]): void {
    if (open.length === 0) this.#open.delete(session);
    else this.#open.set(session, open);
  }
}
