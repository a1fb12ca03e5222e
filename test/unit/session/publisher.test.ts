// A client as a publisher: the same number wherever it is asked for, another one for each client id.

import { expect, it } from "vitest";
import { publisherOf } from "../../../src/broker/session/publisher.ts";

const ids = Array.from({ length: 200_000 }, (_, i) => `device-${i}`);

it("is the same in every release, since it is stored", () => {
  expect(["", "a", "device-1", "é😀"].map(publisherOf)).toEqual([
    34_971_571_199_009, 2_225_198_414_487_283, 583_381_739_166_831, 3_757_870_989_100_443,
  ]);
});

it("is a whole number that is not 0, which stands for no client", () => {
  for (const id of ["", ...ids]) {
    const publisher = publisherOf(id);
    expect(Number.isSafeInteger(publisher) && publisher > 0).toBe(true);
  }
});

it("tells client ids apart, alike as they are", () => {
  expect(new Set(ids.map(publisherOf)).size).toBe(ids.length);
});

it("tells client ids apart whose order of characters differs alone", () => {
  const turned = ids.map((id) => id.split("").toReversed().join(""));
  expect(new Set([...ids, ...turned].map(publisherOf)).size).toBe(new Set([...ids, ...turned]).size);
});

it.each([2, 3, 7, 10])("gives each of %d members of a group about as many clients", (members) => {
  const even = ids.length / members;
  for (const count of spread(members, (publisher) => publisher % members)) {
    expect(Math.abs(count - even)).toBeLessThan(0.03 * even);
  }
});

it("spreads the high bits as it does the low ones", () => {
  const even = ids.length / 64;
  for (const count of spread(64, (publisher) => Math.floor((publisher - 1) / 2 ** 46))) {
    expect(Math.abs(count - even)).toBeLessThan(0.1 * even);
  }
});

/** How many client ids fall into each of so many parts. */
function spread(parts: number, partOf: (publisher: number) => number): number[] {
  const counts = new Map<number, number>();
  for (const id of ids) {
    const part = partOf(publisherOf(id));
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  return Array.from({ length: parts }, (_, part) => counts.get(part) ?? 0);
}
