// What full queues cost where their lists do not fit in memory: a part of each list is there, and a message that makes each
// of them drop its oldest reads the lists of a few.

import { describe, expect, it } from "vitest";
import { StoredQueue } from "../../../src/broker/session/stored-queue.ts";
import type { Entry } from "../../../src/durable-objects/session-shard/message-log/entry.ts";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { SessionLists } from "../../../src/durable-objects/session-shard/message-log/session-lists.ts";
import { MemoryTables } from "./memory-tables.ts";
import { message, plain, uidOf } from "./messages.ts";

const ALL = Number.MAX_SAFE_INTEGER;
const SESSIONS = 300;
const FULL = 160;
/** Of 48,000 entries 10,000 fit, and of blocks some. */
const bounds = { ...logBounds, listEntries: 10_000, blockBytes: 4_096, blockCacheBytes: 32_768 };

class World {
  readonly tables = new MemoryTables();
  readonly log = new MessageLog(this.tables, () => undefined, bounds);
  readonly sessions = Array.from({ length: SESSIONS }, (_, i) => uidOf(i));
  readonly #queues = this.sessions.map((session) => new StoredQueue(session, this.log, this.log.state(session, 0)));
  dropped = 0;
  #n = 0;

  /** Messages to all sessions, an event each. Returns the rows read for each. */
  store(messages: number): number[] {
    return Array.from({ length: messages }, () => {
      const before = this.tables.read;
      const n = ++this.#n;
      const each = message();
      this.log.append(
        each,
        this.sessions.map((session) => ({ session, n, ...plain })),
      );
      for (const queue of this.#queues) {
        queue.joined(n, 1, each.byteLength);
        this.dropped += queue.trim({ queueLengthMax: FULL, queueBytesMax: Infinity });
      }
      this.log.settle();
      return this.tables.read - before;
    });
  }

  expectFull(): void {
    const first = this.#n - FULL + 1;
    for (const session of this.sessions.slice(0, 50)) {
      const numbers = this.log.read(session, 0, ALL).map(({ n }) => n);
      expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([FULL, first, this.#n]);
    }
    expect(this.log.entries).toBe(SESSIONS * FULL);
  }
}

describe("rows read for 300 full queues that do not fit in memory", { timeout: 30_000 }, () => {
  it("are few for each message, from the first that is dropped on", () => {
    const world = new World();
    world.store(FULL);
    const read = world.store(100);
    const sum = read.reduce((a, b) => a + b, 0);
    expect(world.dropped).toBe(100 * SESSIONS);
    expect(sum / read.length / SESSIONS).toBeLessThan(0.2);
    // No message has to read the lists of all.
    expect(Math.max(...read) / SESSIONS).toBeLessThan(0.6);
    world.expectFull();
  });

  it("are few for each message that is taken, one of each session in turn", () => {
    const world = new World();
    world.store(FULL);
    const before = world.tables.read;
    for (let n = 1; n <= FULL; n++) {
      for (const session of world.sessions) {
        if (n % 20 === 1) expect(world.log.read(session, n - 1, 20)[0]?.n).toBe(n);
        world.log.remove(session, n);
      }
    }
    world.log.commit();
    expect(world.log.entries).toBe(0);
    expect((world.tables.read - before) / FULL / SESSIONS).toBeLessThan(0.2);
  });
});

describe("lists in memory", () => {
  const entry = (n: number): Entry => ({ n, message: n, bytes: 1, ...plain });

  class Lists {
    readonly stored = new Map<number, Entry[]>();
    loaded = 0;
    readonly lists: SessionLists;

    constructor(listEntries: number) {
      this.lists = new SessionLists({ listEntries, stretchEntries: 2 }, (session) => {
        this.loaded += 1;
        return this.stored.get(session) ?? [];
      });
    }

    fill(sessions: number, entries: number): void {
      for (let session = 0; session < sessions; session++) {
        const list = Array.from({ length: entries }, (_, i) => entry(i + 1));
        this.stored.set(session, list);
        this.lists.all(session);
      }
    }

    add(session: number, n: number): void {
      this.stored.get(session)?.push(entry(n));
      this.lists.add(session, entry(n));
    }
  }

  it("are whole where all of them fit", () => {
    const world = new Lists(1_000);
    world.fill(3, 100);
    for (let session = 0; session < 3; session++) {
      world.add(session, 101);
      expect(world.lists.all(session)).toHaveLength(101);
    }
    expect(world.loaded).toBe(3);
  });

  it("that grow make others shorter, and their first entries stay", () => {
    const world = new Lists(400);
    world.fill(10, 0);
    for (let n = 1; n <= 100; n++) for (let session = 0; session < 10; session++) world.add(session, n);
    expect(world.loaded).toBe(10);
    for (let session = 0; session < 10; session++) expect(world.lists.first(session, 0, 1)?.n).toBe(1);
    expect(world.loaded).toBe(10);
    expect(world.lists.all(4)).toHaveLength(100);
    expect(world.loaded).toBe(11);
  });

  it("go where there are too many even so", () => {
    const world = new Lists(400);
    world.fill(100, 5);
    for (let session = 0; session < 100; session++) world.lists.first(session, 0, 1);
    expect(world.loaded).toBeGreaterThan(150);
    const before = world.loaded;
    for (let session = 99; session > 80; session--) world.lists.first(session, 0, 1);
    expect(world.loaded).toBe(before);
  });

  it("keep what was sent when what follows is read", () => {
    const world = new Lists(100);
    world.fill(5, 100);
    for (let session = 0; session < 5; session++) expect(world.lists.read(session, 0, 6)).toHaveLength(6);
    for (let session = 0; session < 5; session++) expect(world.lists.read(session, 6, 6)).toHaveLength(6);
    const before = world.loaded;
    expect(world.lists.first(4, 0, 1)?.n).toBe(1);
    expect(world.loaded).toBe(before);
  });

  it("do not make others go when they are read again and again", () => {
    const world = new Lists(100);
    world.fill(2, 0);
    world.stored.set(
      2,
      Array.from({ length: 1_000 }, (_, i) => entry(i + 1)),
    );
    for (let n = 0; n < 1_000; n += 20) {
      world.lists.read(2, n, 20);
      for (const gone of world.stored.get(2)?.splice(0, 20) ?? []) world.lists.remove(2, gone);
    }
    const before = world.loaded;
    for (const session of [0, 1]) world.lists.all(session);
    expect(world.loaded).toBe(before);
  });
});
