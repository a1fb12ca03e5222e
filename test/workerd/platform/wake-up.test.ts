// What a shard reads when it wakes to deliver one message, with 100,000 filters stored, 30,000 of them with wildcards:
// the real tables and the real look-ups of both kinds of shard, in real objects, evicted before each message.

import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { slotOfFilter } from "../../../src/broker/topics/slots.ts";
import { matches } from "../../../src/broker/topics/topic-match.ts";
import { Subscriptions } from "../../../src/durable-objects/session-shard/subscriptions.ts";
import { migrations as sessionTables } from "../../../src/durable-objects/session-shard/schema.ts";
import { RouteTable } from "../../../src/durable-objects/topic-shard/route-table.ts";
import { migrations as topicTables } from "../../../src/durable-objects/topic-shard/schema.ts";
import { migrate } from "../../../src/platform/sql-migrations.ts";
import { inObject, newObject } from "./in-object.ts";

const FILTERS = 100_000;
const WILDCARDS = 30_000;
const ROWS_READ_MAX = 200;
const MILLISECONDS_MAX = 50;
/** How many values each level of a device's topic has: sites, kinds, rooms, devices, sensors, values. */
const WIDTHS = [4, 20, 100, 1_000, 10, 5];

/** Numbers in [0, below), the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function topicLevels(random: (below: number) => number): string[] {
  return WIDTHS.map((width, level) => `${"skrdev"[level] ?? ""}${random(width)}`);
}

/** Filters of all shapes: any of the levels may be `+`, the end may be `#`; many of a wildcard's places are shared. */
function makeFilters(seed: number): string[] {
  const random = seeded(seed);
  const filters = new Set<string>();
  while (filters.size < WILDCARDS) {
    const levels = topicLevels(random);
    const mask = 1 + random(2 ** WIDTHS.length - 1);
    const end = random(3) === 0 ? 2 + random(WIDTHS.length - 2) : WIDTHS.length;
    const wild = levels.map((level, i) => ((mask >> i) & 1 ? "+" : level)).slice(0, end);
    filters.add([...wild, ...(end < WIDTHS.length ? ["#"] : [])].join("/"));
  }
  while (filters.size < FILTERS) filters.add(topicLevels(random).join("/"));
  return [...filters];
}

const filters = makeFilters(1);
const exact = new Map(filters.slice(WILDCARDS).map((filter, i) => [filter, WILDCARDS + i]));

/** Places in `filters` of those that match. */
function matching(topic: string): number[] {
  const found = filters.slice(0, WILDCARDS).flatMap((filter, i) => (matches(filter, topic) ? [i] : []));
  const same = exact.get(topic);
  return same === undefined ? found : [...found, same];
}

/** Devices that somebody subscribed to by name, and devices that only wildcards see. */
function makeTopics(count: number): string[] {
  const random = seeded(2);
  return Array.from({ length: count }, (_, i) =>
    i % 2 === 0 ? (filters[WILDCARDS + random(FILTERS - WILDCARDS)] ?? "") : topicLevels(random).join("/"),
  );
}

/** The object's SQL with a count of the rows that are read through it. */
function counting(sql: SqlStorage): { sql: SqlStorage; rowsRead(): number } {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    const cursor = sql.exec(query, ...bindings);
    cursors.push(cursor);
    return cursor;
  };
  return {
    sql: { exec } as unknown as SqlStorage,
    rowsRead: () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
  };
}

interface Lookup {
  /** Stores filter `n` of `filters` in the name of recipient `n`. */
  fill(sql: SqlStorage): void;
  /** A new life's look-up: the recipients of a topic. */
  wake(sql: SqlStorage): (topic: string) => number[];
}

const routes: Lookup = {
  fill(sql) {
    migrate(sql, topicTables);
    for (const [n, filter] of filters.entries()) {
      sql.exec("INSERT INTO route VALUES (?, ?, ?, 1)", slotOfFilter(filter), filter, n);
    }
  },
  wake(sql) {
    const table = new RouteTable(sql);
    return (topic) => [...table.match(topic)];
  },
};

const subscriptions: Lookup = {
  fill(sql) {
    migrate(sql, sessionTables);
    for (const [n, filter] of filters.entries()) {
      sql.exec("INSERT INTO subscription VALUES (?, ?, 1, 0, 0, 0, 0, 0)", filter, n);
    }
  },
  wake(sql) {
    const table = new Subscriptions(sql);
    return (topic) => table.match(topic).map(({ session }) => session);
  },
};

describe("a shard with 100,000 filters that wakes for one message", () => {
  it.each([
    ["topic shard", routes],
    ["session shard", subscriptions],
  ])("finds who wants it with at most 200 rows read: %s", { timeout: 60_000 }, async (_name, { fill, wake }) => {
    const stub = newObject();
    await inObject(stub, (storage) => storage.transactionSync(() => fill(storage.sql)));
    // By this table the object would take itself for a deployment.
    await inObject(stub, ({ sql }) => sql.exec("DROP TABLE meta").toArray());
    const rows: number[] = [];
    const milliseconds: number[] = [];
    const wanted: number[] = [];
    for (const topic of makeTopics(60)) {
      await evictDurableObject(stub);
      const expected = matching(topic);
      await inObject(stub, ({ sql }) => {
        const counted = counting(sql);
        const start = performance.now();
        const found = wake(counted.sql)(topic);
        milliseconds.push(performance.now() - start);
        rows.push(counted.rowsRead());
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      });
      wanted.push(expected.length);
    }
    expect(Math.max(...rows)).toBeLessThanOrEqual(ROWS_READ_MAX);
    // Half of them: the machine may do something else in between.
    expect(milliseconds.sort((a, b) => a - b)[milliseconds.length >> 1]).toBeLessThanOrEqual(MILLISECONDS_MAX);
    // Otherwise the filters would not be such as to show anything.
    expect(Math.max(...wanted)).toBeGreaterThan(10);
  });
});
