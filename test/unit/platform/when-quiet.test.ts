// What is done when it is quiet, and what is quiet: a clock that jumps is not.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WhenQuiet } from "../../../src/platform/when-quiet.ts";

const MS = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("acts once nothing has touched it for the time", async () => {
  const act = vi.fn();
  const quiet = new WhenQuiet(MS, act);
  quiet.touch();
  await vi.advanceTimersByTimeAsync(MS - 1);
  expect(act).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(act).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(10 * MS);
  expect(act).toHaveBeenCalledTimes(1);
});

it("does not act while it is touched, though each event takes longer than the time", async () => {
  const act = vi.fn();
  const quiet = new WhenQuiet(MS, act);
  quiet.touch();
  for (let event = 0; event < 5; event++) {
    quiet.touch();
    vi.setSystemTime(Date.now() + 3 * MS); // The clock has stood still, and jumps behind the event.
    await vi.advanceTimersByTimeAsync(MS);
  }
  expect(act).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2 * MS);
  expect(act).toHaveBeenCalledTimes(1);
});
