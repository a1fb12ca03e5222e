import { describe, expect, it } from "vitest";
import { backOffMs } from "../../../src/platform/back-off.ts";

describe("back-off", () => {
  it("doubles up to its longest, for any number of attempts", () => {
    expect([1, 2, 3, 4, 10, 11, 1_000_000].map((attempt) => backOffMs(attempt, 0))).toEqual([
      25, 50, 100, 200, 12_800, 15_000, 15_000,
    ]);
  });

  it("spreads by the random number over the upper half", () => {
    expect(backOffMs(1, 0)).toBe(25);
    expect(backOffMs(1, 0.5)).toBe(37.5);
    expect(backOffMs(1, 0.999_999)).toBeLessThan(50);
    expect(backOffMs(99, 0.999_999)).toBeLessThan(30_000);
  });
});
