// Retained messages for new subscriptions: sent a page at a time, as the session takes them. While pages are still to
// come, a live message is preceded by the retained one of its topic and not repeated by it.

import { BoundedCache } from "../../broker/bounded-cache.ts";
import { compareKeys } from "../../broker/compare-keys.ts";
import { limits } from "../../broker/limits.ts";
import { matches } from "../../broker/topics/topic-match.ts";
import type { RetainedRequest } from "../../contracts/envelope.ts";
import type { RetainedMessage, RetainedStore } from "./retained-store.ts";
import type { SessionStream } from "./session-stream.ts";

/** Topics of a subscription that are sent before their turn; past it live messages may come before and be repeated. */
const EARLY_MAX = 100;
/** The same in bytes of one message, for all subscriptions together, beyond what a stream may hold. */
const EARLY_BYTES = limits.retainedPageBytes;

/** The stream to a session shard, as far as these go into it. */
export type RetainedStream = Pick<SessionStream, "shard" | "full" | "retained" | "retainedPage">;

/** A subscription that has not all of its retained messages. */
interface Read {
  readonly stream: RetainedStream;
  readonly session: number;
  readonly filter: string;
  /** None of this publisher, who is the subscriber; undefined: of all. [MQTT-3.8.3-3] */
  readonly notFrom: number | undefined;
  /** Topic up to which they are sent. */
  after: string;
  /** Topics behind it that were sent, or are to be seen live alone. */
  readonly early: Set<string>;
}

export class RetainedReads {
  readonly #store: RetainedStore;
  readonly #now: () => number;
  readonly #reads = new BoundedCache<string, Read>(limits.retainedReads);

  constructor(store: RetainedStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Sends the first messages of a new subscription. */
  begin(stream: RetainedStream, { session, filter, limit, notFrom }: Omit<RetainedRequest, "after">): void {
    const read: Read = { stream, session, filter, notFrom, after: "", early: new Set() };
    if (this.#page(read, limit)) {
      this.#reads.set(keyOf(stream, session, filter), read);
      stream.retainedPage({ session, filter, from: "", after: read.after, more: true });
    } else this.#reads.delete(keyOf(stream, session, filter));
  }

  /** Sends the next ones. */
  next(stream: RetainedStream, { session, filter, after, limit, notFrom }: RetainedRequest): void {
    const key = keyOf(stream, session, filter);
    const known = this.#reads.get(key);
    this.#reads.delete(key);
    if (limit === 0) return;
    const read = known?.after === after ? known : { stream, session, filter, notFrom, after, early: new Set<string>() };
    const more = this.#page(read, limit);
    if (more) this.#reads.set(key, read);
    stream.retainedPage({ session, filter, from: after, after: read.after, more });
  }

  /** A message of this topic comes: who has still to get the retained one gets it first, within bounds. */
  before(topic: string): void {
    if (this.#reads.size === 0) return;
    let message: RetainedMessage | null | undefined;
    let bytes = 0;
    for (const { stream, session, filter, notFrom, after, early } of this.#reads.values()) {
      if (early.size >= EARLY_MAX || bytes >= EARLY_BYTES || stream.full) continue;
      if (early.has(topic) || compareKeys(topic, after) <= 0 || !matches(filter, topic)) continue;
      early.add(topic);
      if (message === undefined) message = this.#store.find(topic, this.#now())?.message ?? null;
      if (message === null || message.publisher === notFrom) continue;
      stream.retained(session, filter, message.expiresAt, message.packet);
      bytes += message.packet.length;
    }
  }

  /** True: there may be more. */
  #page(read: Read, limit: number): boolean {
    const { stream, session, filter, notFrom, early } = read;
    let sent = 0;
    // What is looked at costs the same whether it is sent or not.
    let [messages, bytes, seeks] = [0, 0, 0];
    for (const { topic, matches: wanted } of this.#store.topics(filter, read.after)) {
      const full = sent >= limit || messages >= limits.retainedPageMessages || bytes >= limits.retainedPageBytes;
      if ((wanted && full) || seeks++ >= limits.retainedPageSeeks) return true;
      read.after = topic;
      if (!wanted || early.delete(topic)) continue;
      const { bytes: size = 0, message = null } = this.#store.find(topic, this.#now()) ?? {};
      messages += 1;
      bytes += size;
      if (message === null || message.publisher === notFrom) continue;
      stream.retained(session, filter, message.expiresAt, message.packet);
      sent += 1;
    }
    return false;
  }
}

function keyOf(stream: RetainedStream, session: number, filter: string): string {
  return `${stream.shard} ${session} ${filter}`;
}
