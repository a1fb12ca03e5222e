import fc from "fast-check";
import { expect, it } from "vitest";
import type { Row } from "../../../src/contracts/row-page.ts";
import { readRowPage, rowBytes, writeRowPage } from "../../../src/contracts/row-page.ts";

function buffer(bytes: readonly number[]): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

const value = fc.oneof(
  fc.constant(null),
  fc.double({ noNaN: true }),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array().map((bytes) => bytes.slice().buffer as ArrayBuffer),
);
const rows = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,20}$/), { minLength: 1, maxLength: 4 }).chain((columns) =>
  fc.array(
    fc.tuple(...columns.map(() => value)).map((values): Row => {
      return Object.fromEntries(columns.map((column, i) => [column, values[i] ?? null]));
    }),
    { minLength: 1, maxLength: 5 },
  ),
);

it("gives back the rows that were written", () => {
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 3 }), (all) => {
      const tables = all.map((each, i) => ({ table: `t${i}`, rows: each }));
      expect(readRowPage(writeRowPage(tables))).toEqual(tables);
    }),
    { seed: 11 },
  );
});

it("takes as many as come", () => {
  const many = Array.from({ length: 1_000 }, (_, i) => ({ a: i, b: `text ${i}`, c: buffer([i % 256, 1]), d: null }));
  const tables = [{ table: "many", rows: many }];
  expect(readRowPage(writeRowPage(tables))).toEqual(tables);
});

it("leaves out a table without rows", () => {
  expect(readRowPage(writeRowPage([{ table: "empty", rows: [] }]))).toEqual([]);
});

it("reads what the first release wrote", () => {
  const hex = "010473656e640002016101620000000101400000000000000003000000020102";
  const page = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  expect(readRowPage(page)).toEqual([{ table: "send", rows: [{ a: 2, b: buffer([1, 2]) }] }]);
});

it("refuses another version, and one that is cut off", () => {
  const page = writeRowPage([{ table: "t", rows: [{ a: "text" }] }]);
  expect(() => readRowPage(Uint8Array.from([2]))).toThrow(RangeError);
  expect(() => readRowPage(page.subarray(0, page.length - 1))).toThrow(RangeError);
});

it("knows about how much a row takes", () => {
  const row = { a: 1, b: "text", c: buffer([1, 2, 3]), d: null };
  const more =
    writeRowPage([{ table: "t", rows: [row, row] }]).length - writeRowPage([{ table: "t", rows: [row] }]).length;
  expect(Math.abs(rowBytes(row) - more)).toBeLessThan(20);
});
