// The message log over tables in memory: the same as a plain list, whatever happens, and how many rows that takes.

import { expect, it } from "vitest";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { MemoryTables } from "./memory-tables.ts";
import { checkLog, lowBounds } from "./store-model.ts";

it("holds what a list of entries does, over restarts, with low bounds", { timeout: 60_000 }, () => {
  expect(() => checkLog(() => new MemoryTables(), { seed: 21, runs: 120, bounds: lowBounds })).not.toThrow();
});

it("holds what a list of entries does, over restarts", { timeout: 60_000 }, () => {
  expect(() => checkLog(() => new MemoryTables(), { seed: 22, runs: 60, bounds: logBounds })).not.toThrow();
});
