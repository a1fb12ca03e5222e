// The message log over tables in memory: the same as a plain list, whatever happens, how many rows that takes, and what of
// them stays.

import { describe, expect, it } from "vitest";
import type { Recipient } from "../../../src/broker/session/session-store.ts";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { MemoryTables } from "./memory-tables.ts";
import { message, plain, uidOf } from "./messages.ts";
import { checkLog, lowBounds } from "./store-model.ts";

it("holds what a list of entries does, over restarts, with low bounds", { timeout: 60_000 }, () => {
  expect(() => checkLog(() => new MemoryTables(), { seed: 21, runs: 120, bounds: lowBounds })).not.toThrow();
});

it("holds what a list of entries does, over restarts", { timeout: 60_000 }, () => {
  expect(() => checkLog(() => new MemoryTables(), { seed: 22, runs: 60, bounds: logBounds })).not.toThrow();
});

const ALL = Number.MAX_SAFE_INTEGER;
class World {
  readonly tables = new MemoryTables();
  log = new MessageLog(this.tables, () => undefined);
  #n = 0;

  restart(): void {
    this.log = new MessageLog(this.tables, () => undefined);
  }

  /** Stores a message for these sessions, as an event. Returns the rows written. */
  store(sessions: readonly number[], bytes?: number): number {
    const before = this.tables.written;
    this.#n += 1;
    const recipients = sessions.map((session): Recipient => ({ session, n: this.#n, ...plain }));
    this.log.append(message(bytes), recipients);
    this.log.settle();
    return this.tables.written - before;
  }

  /** A session takes all that it has. */
  take(session: number): number {
    let taken = 0;
    for (const { n } of this.log.read(session, 0, ALL)) {
      this.log.remove(session, n);
      taken += 1;
    }
    return taken;
  }
}

describe("rows written", () => {
  it.each([1, 2, 50, 1_000])("one for a message to %d sessions, and few when they take it", (count) => {
    const world = new World();
    const sessions = Array.from({ length: count }, (_, i) => uidOf(i));
    const messages = 500;
    let stored = 0;
    for (let i = 0; i < messages; i++) stored += world.store(sessions);
    expect(stored / messages).toBeLessThan(count < 100 ? 1.1 : 1.5);
    const before = world.tables.written;
    let taken = 0;
    for (const session of sessions) taken += world.take(session);
    world.log.commit();
    expect(taken).toBe(count * messages);
    expect((world.tables.written - before) / taken).toBeLessThan(0.1);
    expect(world.tables.log.size).toBe(0);
    expect(world.tables.blocks.size).toBe(0);
  });

  it("of a message to 10,000 sessions some more, and each has it", () => {
    const world = new World();
    const sessions = Array.from({ length: 10_000 }, (_, i) => uidOf(i));
    let stored = 0;
    for (let i = 0; i < 10; i++) stored += world.store(sessions);
    expect(stored / 10).toBeLessThan(12);
    for (const row of world.tables.log.values())
      expect(row.entries.length + row.messages.length).toBeLessThan(1_000_000);
    world.restart();
    for (const session of sessions.slice(0, 100)) expect(world.log.read(session, 0, ALL)).toHaveLength(10);
  });

  it("one for a message that is taken at once, and none stays", () => {
    const world = new World();
    let written = 0;
    for (let i = 0; i < 100; i++) {
      written += world.store([uidOf(1)]);
      const before = world.tables.written;
      world.take(uidOf(1));
      world.log.commit();
      written += world.tables.written - before;
    }
    expect(written).toBeLessThanOrEqual(200);
    expect(world.tables.log.size).toBe(0);
  });
});

it("what goes with its row takes nothing along that the log must tell", () => {
  const world = new World();
  const [a, b, c] = [uidOf(1), uidOf(2), uidOf(3)];
  world.store([a, c], 5_000);
  world.store([b]); // In a row of its own.
  for (const session of [a, b]) world.take(session);
  world.log.commit();
  world.restart();
  expect([a, b, c].map((session) => world.log.read(session, 0, ALL).length)).toEqual([0, 0, 1]);
  expect(world.log.entries).toBe(1);
});

it.each([false, true])("no message gets the number of another one in a life, laid down: %s", (laidDown) => {
  const world = new World();
  const numbers = Array.from({ length: 20 }, (_, i) => {
    const each = message();
    world.log.append(each, [{ session: 1, n: i + 1, ...plain }]);
    if (laidDown) world.log.reclaim();
    else world.log.settle();
    world.take(1);
    world.log.commit();
    return each.storedAs;
  });
  expect(world.tables.log.size).toBe(0);
  expect(new Set(numbers).size).toBe(20);
});

describe("who wakes", () => {
  it("reads few rows to find a session among 30,000 with 300,000 entries", { timeout: 30_000 }, () => {
    const world = new World();
    const sessions = Array.from({ length: 30_000 }, (_, i) => uidOf(i));
    for (let round = 0; round < 10; round++) {
      for (let from = 0; from < sessions.length; from += 1_000) world.store(sessions.slice(from, from + 1_000));
    }
    for (let i = 0; i < 40; i++) world.store([uidOf(i)], 1_000);
    world.restart();
    const before = world.tables.read;
    const [session = 0] = sessions.slice(12_345);
    expect(world.log.state(session, 0).queued).toBe(10);
    expect(world.tables.read - before).toBeLessThan(100);
    expect(world.log.entries).toBe(300_040);
    expect(world.log.read(session, 0, ALL)).toHaveLength(10);
    expect(world.tables.read - before).toBeLessThan(120);
  });
});

describe("room", () => {
  /** Bytes of all rows with messages. */
  const bytesOf = ({ log }: MemoryTables) => [...log.values()].reduce((sum, { messages }) => sum + messages.length, 0);

  it("is given back though one slow session has an entry in each row", () => {
    const world = new World();
    const [slow, fast] = [uidOf(1), uidOf(2)];
    for (let i = 0; i < 200; i++) {
      for (let each = 0; each < 50; each++)
        world.log.append(message(400), [{ session: fast, n: 50 * i + each, ...plain }]);
      world.log.append(message(400), [{ session: slow, n: i + 1, ...plain }]);
      world.log.commit();
    }
    const full = bytesOf(world.tables);
    world.restart();
    world.take(fast);
    for (let i = 0; i < 10; i++) world.log.reclaim();
    expect(bytesOf(world.tables)).toBeLessThan(full / 10);
    world.restart();
    expect(world.log.read(slow, 0, ALL)).toHaveLength(200);
  });

  it("of a row's recipients is given back though one of them has not taken its message", () => {
    const world = new World();
    const sessions = Array.from({ length: 1_000 }, (_, i) => uidOf(i));
    for (let i = 0; i < 30; i++) world.store(sessions);
    for (const session of sessions.slice(1)) world.take(session);
    world.log.commit();
    for (let i = 0; i < 3; i++) world.log.reclaim();
    const entries = [...world.tables.log.values()].reduce((sum, row) => sum + row.entries.length, 0);
    expect(world.tables.log.size).toBe(30);
    expect(entries).toBeLessThan(1_000);
    world.restart();
    expect(world.log.read(sessions[0] ?? 0, 0, ALL)).toHaveLength(30);
  });

  it("is given back when a session is cleared", () => {
    const world = new World();
    for (let i = 0; i < 300; i++) world.store([uidOf(1)], 5_000);
    world.store([uidOf(2)]);
    world.restart();
    world.log.clear(uidOf(1));
    world.log.settle();
    expect(bytesOf(world.tables)).toBeLessThan(6_000);
    expect(world.log.entries).toBe(1);
    world.restart();
    expect(world.log.read(uidOf(1), 0, ALL)).toEqual([]);
    expect(world.log.read(uidOf(2), 0, ALL)).toHaveLength(1);
  });
});

it("whoever cannot write to the end is told so, whatever the reason", () => {
  const told: unknown[] = [];
  class Tables extends MemoryTables {
    override block(number: number): Uint8Array {
      if (number > 1) throw new RangeError(`block ${number} cannot be read`);
      return super.block(number);
    }

    override failed(error: unknown): never {
      told.push(String(error));
      throw error;
    }
  }
  const log = new MessageLog(new Tables(), () => undefined);
  const store = (n: number) => log.append(message(), [{ session: 1, n, ...plain }]);
  expect(() => {
    for (let n = 1; n < 5; n++) {
      store(n);
      log.reclaim(); // Merges runs.
    }
  }).toThrow(RangeError);
  expect(told).toEqual(["RangeError: block 2 cannot be read"]);
});

it("names the largest queues", () => {
  const world = new World();
  for (let i = 1; i <= 200; i++) world.store([uidOf(i % 20)], i % 20 === 7 ? 1_000 : 10);
  world.restart();
  const sizes = [...world.log.sizes()].sort(([, a], [, b]) => b - a);
  expect(sizes).toHaveLength(20);
  expect(sizes[0]?.[0]).toBe(uidOf(7));
});
