// A device that sends faster than it is read: it is told from one that sends much, since no timer is due meanwhile.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { FloodGuard } from "../../../src/worker/mqtt-connection/flood-guard.ts";

const SMALL = 100;
const { packetsWithoutTurn } = limits;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function taken(guard: FloodGuard, packets: number, bytes = SMALL): boolean {
  let all = true;
  for (let i = 0; i < packets; i++) all = guard.take(bytes) && all;
  return all;
}

it("takes as many packets as the bound without a turn for others, and no more", () => {
  const guard = new FloodGuard();
  expect(taken(guard, packetsWithoutTurn)).toBe(true);
  expect(guard.take(SMALL)).toBe(false);
});

it("begins anew whenever others had their turn", () => {
  const guard = new FloodGuard();
  for (let turn = 0; turn < 4; turn++) {
    expect(taken(guard, packetsWithoutTurn - 1)).toBe(true);
    vi.runAllTimers();
  }
});

it("counts a large packet as many", () => {
  expect(taken(new FloodGuard(), 255, 1_024 * 1_024)).toBe(true);
  expect(taken(new FloodGuard(), 256, 1_024 * 1_024)).toBe(false);
});

it("sets no timer for few packets, and one at a time for many", () => {
  const guard = new FloodGuard();
  taken(guard, 1_000);
  expect(vi.getTimerCount()).toBe(0);
  taken(guard, 10_000);
  expect(vi.getTimerCount()).toBe(1);
});
