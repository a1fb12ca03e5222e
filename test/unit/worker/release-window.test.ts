// What a client may leave unreleased, and what waits for that.

import { expect, it } from "vitest";
import { writeAcknowledgement } from "../../../src/broker/mqtt/acknowledgement.ts";
import { ReleaseWindow } from "../../../src/worker/mqtt-connection/release-window.ts";

const packet = (id: number) => Uint8Array.of(0x34, 6, 0, 1, 0x61, 0, id, 0);
const sent = (type: "pubrec" | "pubcomp", id: number, code = 0) => writeAcknowledgement(type, id, code, 5);

it("lets in as many as may be unreleased, and the next ones in order as others end", () => {
  const window = new ReleaseWindow([7]);
  expect([1, 2, 3, 4].map((id) => window.enter(packet(id), id, 2, () => 0))).toEqual([true, false, false, false]);
  expect(window.waiting).toBe(3);
  expect(window.sent(sent("pubrec", 1), 2, 0)).toEqual([]);
  expect(window.sent(sent("pubcomp", 7), 2, 0)).toEqual([packet(2)]);
  expect(window.sent(sent("pubrec", 1, 0x97), 2, 0)).toEqual([packet(3)]); // Refused: it is not awaited.
  expect(window.sent(sent("pubcomp", 3), 2, 0)).toEqual([packet(4)]);
  expect([window.waiting, window.waitingBytes]).toEqual([0, 0]);
});

it("lets in one that repeats what is unreleased", () => {
  const window = new ReleaseWindow([]);
  expect(window.enter(packet(1), 1, 1, () => 0)).toBe(true);
  expect(window.enter(packet(1), 1, 1, () => 0)).toBe(true);
  expect(window.enter(packet(2), 2, 1, () => 0)).toBe(false);
});

it("is overdue when something has waited while nothing was released", () => {
  const window = new ReleaseWindow([1, 2]);
  expect(window.overdue(300, 1_000)).toBe(false);
  window.enter(packet(3), 3, 2, () => 1_000);
  window.enter(packet(4), 4, 2, () => 1_100);
  expect(window.overdue(300, 1_299)).toBe(false);
  window.sent(sent("pubcomp", 1), 2, 1_200);
  expect(window.overdue(300, 1_300)).toBe(false);
  expect(window.overdue(300, 1_500)).toBe(true);
});
