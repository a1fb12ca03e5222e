// An object's streams are closed together when the last of them falls silent, and not one by one while it is awake.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { StreamWatch, type WatchedStream } from "../../../src/platform/stream-watch.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Closes when it may, and remembers when that was. */
class Stream implements WatchedStream {
  usedAt = 0;
  closedAt: number | null = null;
  readonly #watch: StreamWatch;

  constructor(watch: StreamWatch) {
    this.#watch = watch;
  }

  use(): void {
    this.usedAt = Date.now();
    this.#watch.used(this, this.usedAt);
  }

  look(now: number, unusedMs: number): boolean {
    if (now - this.usedAt < unusedMs) return true;
    this.closedAt = now;
    return false;
  }
}

it("keeps a stream open while another is in use, and closes both soon after", () => {
  const watch = new StreamWatch();
  const [busy, quiet] = [new Stream(watch), new Stream(watch)];
  quiet.use();
  for (let i = 0; i < 100; i++) {
    busy.use();
    vi.advanceTimersByTime(50);
  }
  expect(quiet.closedAt).toBeNull();
  const silentFrom = Date.now();
  vi.advanceTimersByTime(300);
  for (const { closedAt } of [busy, quiet]) {
    expect(closedAt).not.toBeNull();
    expect((closedAt ?? 0) - silentFrom).toBeLessThanOrEqual(200);
  }
  expect(vi.getTimerCount()).toBe(0);
});

it("closes a stream that was not used for a minute, whatever the others do", () => {
  const watch = new StreamWatch();
  const [busy, quiet] = [new Stream(watch), new Stream(watch)];
  quiet.use();
  for (let i = 0; i < 61 * 20; i++) {
    busy.use();
    vi.advanceTimersByTime(50);
  }
  expect(quiet.closedAt).not.toBeNull();
  expect(busy.closedAt).toBeNull();
});

it("watches a stream again that is used after it was closed", () => {
  const watch = new StreamWatch();
  const stream = new Stream(watch);
  stream.use();
  vi.advanceTimersByTime(300);
  expect(stream.closedAt).not.toBeNull();
  stream.closedAt = null;
  stream.use();
  vi.advanceTimersByTime(300);
  expect(stream.closedAt).not.toBeNull();
});
