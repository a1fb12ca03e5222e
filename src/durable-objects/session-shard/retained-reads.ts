// Retained messages that a session has still to get for its subscriptions: asked for a page at a time, one subscription
// after the other, when the session has room for them. Remembered in SQLite, so that none is forgotten with the memory.

import { compareKeys } from "../../broker/compare-keys.ts";
import type { SlotMap } from "../../broker/topics/slot-map.ts";
import { EVERYWHERE, slotOfFilter, SLOTS } from "../../broker/topics/slots.ts";
import type { RetainedPage, RetainedRequest } from "../../contracts/envelope.ts";
import { log } from "../../platform/log.ts";

export interface RetainedReadPorts {
  /** Whether nothing is to be sent to a topic shard for the moment. */
  held(topicShard: number): boolean;
  /** Puts a request into the stream to a topic shard. */
  send(topicShard: number, request: RetainedRequest): void;
  /** How many messages a session takes now. */
  room(session: number): number;
  /** Null: there is none. */
  subscription(session: number, filter: string): { readonly noLocal: boolean } | null;
  /** A session's client as a publisher. */
  publisher(session: number): number | undefined;
  /** Something failed: throws, and ends the object, if that was its storage. */
  failed(error: unknown): void;
}

interface Read {
  readonly filter: string;
  readonly topicShard: number;
  after: string;
  asked: boolean;
}

interface ReadRow extends Record<string, SqlStorageValue> {
  uid: number;
  filter: string;
  shard: number;
  after: string;
}

export class RetainedReads {
  readonly #sql: SqlStorage;
  readonly #ports: RetainedReadPorts;
  /** By session. */
  readonly #open = new Map<number, Read[]>();

  constructor(sql: SqlStorage, ports: RetainedReadPorts) {
    this.#sql = sql;
    this.#ports = ports;
    for (const { uid, filter, shard, after } of sql.exec<ReadRow>("SELECT * FROM retained_read")) {
      this.#keep(uid, [...(this.#open.get(uid) ?? []), { filter, topicShard: shard, after, asked: false }]);
    }
  }

  /** Asks for what was asked for when the memory was lost. */
  recover(): void {
    for (const session of Array.from(this.#open.keys())) this.advance(session);
  }

  /** A topic shard has sent all between `page.from` and `page.after`. What is not the next page was asked for by a
   *  subscription that is no more, or twice because somebody lost its memory, and leads nowhere. */
  page(topicShard: number, { session, filter, from, after, more }: RetainedPage): void {
    if (this.#ports.subscription(session, filter) === null) {
      if (more) this.#giveUp(topicShard, session, filter, after);
      this.drop(session, filter);
      return;
    }
    const open = this.#open.get(session) ?? [];
    const known = open.find((read) => read.filter === filter && read.topicShard === topicShard);
    if ((known?.after ?? "") !== from) return;
    const others = open.filter((read) => read !== known);
    if (more) {
      others.push({ filter, topicShard, after, asked: false });
      this.#sql.exec(
        "INSERT OR REPLACE INTO retained_read (uid, filter, shard, after) VALUES (?, ?, ?, ?)",
        session,
        filter,
        topicShard,
        after,
      );
    } else if (known !== undefined) {
      this.#sql.exec(
        "DELETE FROM retained_read WHERE uid = ? AND filter = ? AND shard = ?",
        session,
        filter,
        topicShard,
      );
    }
    this.#keep(session, others);
    if (others.length > 0) this.#advanceSoon(session);
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
    const { filter, topicShard, after } = first;
    if (this.#ports.held(topicShard)) return;
    const noLocal = this.#ports.subscription(session, filter)?.noLocal === true;
    const notFrom = noLocal ? this.#ports.publisher(session) : undefined;
    this.#ports.send(topicShard, { session, filter, after, limit, notFrom });
    first.asked = true;
  }

  /** A page may hold nothing for the session, and so may many in a row: they let others in between. */
  #advanceSoon(session: number): void {
    setTimeout(() => {
      try {
        this.advance(session);
      } catch (error) {
        this.#ports.failed(error);
        log.error("retained messages could not be asked for", { error });
      }
    }, 0);
  }

  /** Slots live elsewhere now, or other topic shards are held. What of a topic shard was still to come may be in another now,
   *  with what that has of its own: some may come twice. */
  placed(before: SlotMap, after: SlotMap): void {
    const gained = before === after ? new Map<number, Set<number>>() : gains(before, after);
    for (const [session, reads] of Array.from(this.#open)) {
      for (const read of reads.slice()) {
        const slot = slotOfFilter(read.filter);
        const others = slot === EVERYWHERE ? (gained.get(read.topicShard) ?? []) : [after.shardOf(slot)];
        for (const topicShard of others) if (topicShard !== read.topicShard) this.#also(session, read, topicShard);
        if (slot !== EVERYWHERE && after.shardOf(slot) !== read.topicShard) this.#forget(session, read);
      }
      this.advance(session);
    }
  }

  /** A session has come from another shard. */
  adopt(session: number, filter: string, topicShard: number, after: string): void {
    this.#also(session, { filter, after }, topicShard);
  }

  /** What a session has still to get. */
  of(session: number): readonly { filter: string; topicShard: number; after: string }[] {
    return this.#open.get(session) ?? [];
  }

  /** The session has gone to another shard. */
  departed(session: number): void {
    if (!this.#open.delete(session)) return;
    this.#sql.exec("DELETE FROM retained_read WHERE uid = ?", session).toArray();
  }

  /** A subscription ended, or is made anew. */
  drop(session: number, filter: string): void {
    const open = this.#open.get(session);
    if (open === undefined) return;
    const [dropped, kept] = [[] as Read[], [] as Read[]];
    for (const read of open) (read.filter === filter ? dropped : kept).push(read);
    if (dropped.length === 0) return;
    this.#sql.exec("DELETE FROM retained_read WHERE uid = ? AND filter = ?", session, filter);
    for (const { topicShard, after } of dropped) this.#giveUp(topicShard, session, filter, after);
    this.#keep(session, kept);
    this.advance(session);
  }

  /** The topic shard need not remember where it is. */
  #giveUp(topicShard: number, session: number, filter: string, after: string): void {
    if (!this.#ports.held(topicShard)) this.#ports.send(topicShard, { session, filter, after, limit: 0 });
  }

  /** A session has to get the same of another topic shard. */
  #also(session: number, { filter, after }: Pick<Read, "filter" | "after">, topicShard: number): void {
    const open = this.#open.get(session) ?? [];
    const known = open.find((read) => read.filter === filter && read.topicShard === topicShard);
    if (known !== undefined && compareKeys(known.after, after) <= 0) return;
    this.#sql.exec(
      "INSERT OR REPLACE INTO retained_read (uid, filter, shard, after) VALUES (?, ?, ?, ?)",
      session,
      filter,
      topicShard,
      after,
    );
    const others = open.filter((read) => read !== known);
    this.#keep(session, [...others, { filter, topicShard, after, asked: false }]);
  }

  #forget(session: number, { filter, topicShard }: Read): void {
    const open = this.#open.get(session) ?? [];
    this.#sql.exec("DELETE FROM retained_read WHERE uid = ? AND filter = ? AND shard = ?", session, filter, topicShard);
    this.#keep(
      session,
      open.filter((read) => read.filter !== filter || read.topicShard !== topicShard),
    );
  }

  #keep(session: number, open: Read[]): void {
    if (open.length === 0) this.#open.delete(session);
    else this.#open.set(session, open);
  }
}

/** Which shards have slots now that were a shard's before. */
function gains(before: SlotMap, after: SlotMap): Map<number, Set<number>> {
  const gained = new Map<number, Set<number>>();
  for (let slot = 0; slot < SLOTS; slot++) {
    const [from, to] = [before.shardOf(slot), after.shardOf(slot)];
    if (from !== to) gained.set(from, (gained.get(from) ?? new Set()).add(to));
  }
  return gained;
}
