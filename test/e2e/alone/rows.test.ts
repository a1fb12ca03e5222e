// What the platform bills most for is rows written: how many a message costs, counted by the build of the Worker that the
// benchmark uses. Subscribers have a second to acknowledge, so that a busy machine is not taken for a slow subscriber.

import { afterAll, beforeAll, expect, it } from "vitest";
import { type Fulmar, startFulmar } from "../../../bench/brokers/fulmar.ts";
import type { Result } from "../../../bench/workloads/workload.ts";
import { offline } from "../../../bench/workloads/offline.ts";
import { pairs } from "../../../bench/workloads/pairs.ts";

const IN_TIME = { ackDeadlineMs: 1_000 };

let fulmar: Fulmar;
beforeAll(async () => (fulmar = await startFulmar({ shards: 1, counting: true, settings: IN_TIME })));
afterAll(async () => await fulmar.stop());

function rowsWritten({ counts, counted }: Result): number {
  expect(counted).toBeGreaterThan(100);
  return ((counts["session.rowsWritten"] ?? 0) + (counts["topic.rowsWritten"] ?? 0)) / counted;
}

it("a message of QoS 0 to who is connected writes no row", async () => {
  expect(rowsWritten(await pairs(fulmar.target, 1, { count: 2, qos: 0, window: 20 }))).toBe(0);
});

it.each([false, true])("a message of QoS 1 acknowledged in time writes no row, persistent: %s", async (persistent) => {
  expect(rowsWritten(await pairs(fulmar.target, 1, { count: 2, qos: 1, window: 20, persistent }))).toBe(0);
});

it("messages of QoS 2 share the rows of their batch", async () => {
  expect(rowsWritten(await pairs(fulmar.target, 1, { count: 2, qos: 2, window: 20 }))).toBeLessThan(1);
});

it.each([
  { sessions: 2, topics: "own", messages: 200, publishers: 2, window: 20 },
  { sessions: 50, topics: "one", messages: 200, publishers: 2, window: 20 },
  // Each alone in its batch.
  { sessions: 50, topics: "one", messages: 200, publishers: 1, window: 1 },
] as const)(
  "a message is written once for all sessions that are away, and little more when they take it: %o",
  async (load) => {
    const result = await offline(fulmar.target, 0.1, load);
    expect(result.lost).toBe(0);
    expect(rowsWritten(result)).toBeLessThan(1.3);
    // Of a session that comes and goes some rows are its own.
    const perSession = (8 * load.sessions) / (result.taking?.counted ?? 1);
    expect(rowsWritten({ ...result, ...result.taking })).toBeLessThan(0.1 + perSession);
  },
);
