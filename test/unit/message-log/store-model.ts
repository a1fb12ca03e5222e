// The message log beside a plain list of entries, under random events and restarts: whatever the list holds, the log does.
// Run over tables in memory and over those in SQLite.

import fc from "fast-check";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Message } from "../../../src/broker/session/message.ts";
import { FIRST_PLACE } from "../../../src/broker/session/queue-order.ts";
import type { StoredEntry } from "../../../src/broker/session/session-store.ts";
import type { LogBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import type { LogTables } from "../../../src/durable-objects/session-shard/message-log/log-tables.ts";
import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { MemoryStore } from "../session/memory-store.ts";

/** So low that all of the layout is met within a few events. */
export const lowBounds: LogBounds = {
  ...logBounds,
  rowMessageBytes: 300,
  rowEntryBytes: 100,
  rowMessages: 5,
  grownBytes: 120,
  recipients: 3,
  waitingBytes: 700,
  waitingRemovals: 12,
  tailRows: 6,
  tailBytes: 400,
  blockBytes: 100,
  blockCacheBytes: 300,
  pileEntries: 24,
  mergeEntries: 20,
  listEntries: 40,
  stretchEntries: 2,
  referenceMessages: 12,
  notedMessages: 8,
  sparseBytes: 50,
  sparseRows: 2,
};

const SESSIONS = 9;
const ALL = Number.MAX_SAFE_INTEGER;

export type Step =
  | { type: "store"; to: number; bytes: number; ranked: boolean; share: boolean; again: boolean }
  | { type: "acknowledge"; session: number; count: number; surely: boolean }
  | { type: "removeAt"; session: number; at: number }
  | { type: "removeFirst"; session: number; count: number; bytes: number; most: number; ranked: boolean }
  | { type: "renumber"; session: number }
  | { type: "clear"; session: number }
  | { type: "commit" | "settle" | "restart" | "reclaim" };

const session = fc.integer({ min: 1, max: SESSIONS });
const count = fc.integer({ min: 0, max: 5 });

function oneIn(times: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: times }).map((drawn) => drawn === 1);
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      type: fc.constant("store" as const),
      // Mostly for one session or two, now and then for many.
      to: fc.oneof(
        { weight: 4, arbitrary: session.map((uid) => 2 ** (uid - 1)) },
        { weight: 4, arbitrary: fc.tuple(session, session).map(([a, b]) => (2 ** (a - 1)) | (2 ** (b - 1))) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** SESSIONS - 1 }) },
      ),
      bytes: fc.constantFrom(1, 10, 100, 400),
      ranked: oneIn(6),
      share: oneIn(4),
      again: oneIn(6),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("acknowledge" as const),
      session,
      count: fc.integer({ min: 1, max: 8 }),
      surely: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("removeAt" as const), session, at: count }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("removeFirst" as const),
      session,
      count,
      bytes: fc.constantFrom(0, 0, 150),
      most: count,
      ranked: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("renumber" as const), session }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("clear" as const), session }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom("commit", "commit", "settle") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: oneIn(4).map((now) => ({ type: now ? "reclaim" : "settle" }) as const) },
) as fc.Arbitrary<Step>;

/** Runs of random steps. `make` gives new tables for each. */
export function checkLog(make: () => LogTables, options: { seed: number; runs: number; bounds: LogBounds }): void {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const world = new World(make(), options.bounds);
      for (const each of steps) world.take(each);
      world.end();
    }),
    { seed: options.seed, numRuns: options.runs },
  );
}

class World {
  readonly #tables: LogTables;
  readonly #bounds: LogBounds;
  #log: MessageLog;
  #model = new MemoryStore();
  readonly #numbers = new Map<number, number>();
  #arrivals = 0;
  #messages = 0;
  #last: Message | null = null;
  /** Entries that went since the last commit, and may be there again after a restart. */
  #maybe = new Map<string, StoredEntry>();

  constructor(tables: LogTables, bounds: LogBounds) {
    this.#tables = tables;
    this.#bounds = bounds;
    this.#log = this.#open();
  }

  take(each: Step): void {
    switch (each.type) {
      case "store":
        this.#store(each);
        break;
      case "acknowledge":
        for (const { n } of this.#model.read(each.session, 0, each.count)) this.#remove(each.session, n, each.surely);
        if (each.surely) this.#settled();
        break;
      case "removeAt": {
        const entry = this.#model.read(each.session, 0, ALL)[each.at];
        this.#remove(each.session, entry?.n ?? 77_777, false);
        break;
      }
      case "removeFirst": {
        const numbers = each.ranked ? { after: FIRST_PLACE - 1, before: ALL } : { after: 2, before: FIRST_PLACE };
        const { session: uid, count: least, bytes, most } = each;
        const removed = this.#log.removeFirst(uid, numbers, least, bytes, most);
        same(removed, this.#model.removeFirst(uid, numbers, least, bytes, most));
        this.#settled();
        break;
      }
      case "renumber": {
        const ranked = this.#model.read(each.session, FIRST_PLACE - 1, 1)[0];
        if (ranked === undefined) break;
        const n = this.#next(each.session);
        this.#log.renumber(each.session, ranked.n, n);
        this.#model.renumber(each.session, ranked.n, n);
        this.#settled();
        break;
      }
      case "clear":
        this.#log.clear(each.session);
        for (const { n } of this.#model.read(each.session, 0, ALL)) this.#model.remove(each.session, n);
        this.#settled();
        break;
      case "commit":
        this.#log.commit();
        this.#maybe.clear();
        break;
      case "reclaim":
        this.#log.reclaim();
        this.#maybe.clear();
        break;
      case "settle":
        this.#log.settle();
        break;
      case "restart":
        this.#log.settle();
        this.#log = this.#open();
        this.#adopt();
        break;
      default:
        each satisfies never;
    }
    // Not in the midst of an event: to read writes what is to be written.
    if (each.type === "commit" || each.type === "settle" || each.type === "restart") this.#compare();
  }

  /** Everything goes: nothing is left of it. */
  end(): void {
    for (let uid = 1; uid <= SESSIONS; uid++) this.take({ type: "clear", session: uid });
    this.take({ type: "reclaim" });
    this.take({ type: "restart" });
    same(this.#log.entries, 0);
  }

  #open(): MessageLog {
    return new MessageLog(this.#tables, () => undefined, this.#bounds);
  }

  #store({ to, bytes, ranked, share, again }: Extract<Step, { type: "store" }>): void {
    const message = again && this.#last !== null ? this.#last : this.#newMessage(bytes);
    const recipients = Array.from({ length: SESSIONS }, (_, i) => i + 1)
      .filter((uid) => ((to >> (uid - 1)) & 1) === 1)
      .map((uid) => ({
        session: uid,
        n: ranked ? FIRST_PLACE + (uid % 3) * 2 ** 32 + ++this.#arrivals : this.#next(uid),
        qos: (uid % 3) as 0 | 1 | 2,
        retain: uid % 2 === 0,
        identifiers: uid % 4 === 0 ? [uid, 268_435_455] : [],
        share: share && uid % 2 === 1 ? `$share/g/${uid}` : "",
      }));
    this.#log.append(message, recipients);
    this.#model.append(message, recipients);
    this.#last = message;
  }

  #newMessage(bytes: number): Message {
    const payload = new TextEncoder().encode(`${++this.#messages}`.padEnd(bytes, "."));
    const packet = { topic: "t", qos: 1, retain: false, packetId: 1, properties: new Uint8Array(), payload } as const;
    return new Message(readTrustedPublish(writePublish(packet)), this.#messages % 2, this.#messages % 3);
  }

  #next(uid: number): number {
    const n = (this.#numbers.get(uid) ?? 0) + 1;
    this.#numbers.set(uid, n);
    return n;
  }

  #remove(uid: number, n: number, surely: boolean): void {
    const [entry] = this.#model.read(uid, n - 1, 1);
    if (entry?.n === n) this.#maybe.set(`${uid} ${n}`, entry);
    this.#log.remove(uid, n, surely);
    this.#model.remove(uid, n);
  }

  /** What was to be written surely is, and all with it. */
  #settled(): void {
    this.#log.settle();
  }

  /** What went and was not written may have come back; nothing else. */
  #adopt(): void {
    for (let uid = 1; uid <= SESSIONS; uid++) {
      const known = new Set(this.#model.read(uid, 0, ALL).map(({ n }) => n));
      for (const entry of this.#log.read(uid, 0, ALL)) {
        if (known.has(entry.n)) continue;
        const gone = this.#maybe.get(`${uid} ${entry.n}`);
        if (gone === undefined) throw new Error(`an entry that was gone is back: ${uid} ${entry.n}`);
        same(seen(entry), seen(gone));
        this.#model.append(gone.message, [{ session: uid, ...gone }]);
      }
    }
    this.#maybe.clear();
    this.#last = null;
  }

  #compare(): void {
    let entries = 0;
    for (let uid = 1; uid <= SESSIONS; uid++) {
      const all = this.#model.read(uid, 0, ALL);
      entries += all.length;
      same(this.#log.read(uid, 0, ALL).map(seen), all.map(seen));
      same(this.#log.read(uid, 3, 4).map(seen), this.#model.read(uid, 3, 4).map(seen));
      same(this.#log.readShared(uid).map(seen), this.#model.readShared(uid).map(seen));
      for (const sentUpTo of [0, 4]) {
        same(sortedState(this.#log.state(uid, sentUpTo)), sortedState(this.#model.state(uid, sentUpTo)));
      }
    }
    same(this.#log.entries, entries);
  }
}

function seen({ n, qos, retain, identifiers, share, message }: StoredEntry): unknown {
  const { publish, publisher, expiresAt } = message;
  return [n, qos, retain, identifiers, share, publisher, expiresAt, Array.from(publish.bytes)];
}

function sortedState(state: ReturnType<MessageLog["state"]>): unknown {
  return { ...state, classes: [...state.classes].sort(([a], [b]) => a - b) };
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a}\nis not\n${b}`);
}
