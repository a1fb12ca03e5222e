// Control frames of the edge as releases have written them: what was ever sent is read for ever.

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { HEARTBEAT, readEdgeFrame } from "../../../src/contracts/link.ts";

it.each([
  ['{"v":1,"type":"dropped","messages":3}', { v: 1, type: "dropped", messages: 3 }],
  ['{"v":1,"type":"dropped","messages":1,"of a later release":true}', { v: 1, type: "dropped", messages: 1 }],
])("%s is read", (text, frame) => {
  expect(readEdgeFrame(text)).toEqual(frame);
});

it.each([
  HEARTBEAT,
  "",
  "{",
  "null",
  "[]",
  "3",
  '{"v":1,"type":"of a later release"}',
  '{"v":2,"type":"dropped","messages":3}',
  '{"v":1,"type":"dropped"}',
  '{"v":1,"type":"dropped","messages":0}',
  '{"v":1,"type":"dropped","messages":-3}',
  '{"v":1,"type":"dropped","messages":1.5}',
  '{"v":1,"type":"dropped","messages":"3"}',
  '{"v":1,"type":"dropped","messages":1e300}',
])("%s is passed over", (text) => {
  expect(readEdgeFrame(text)).toBeNull();
});

it("whatever text comes, nothing is thrown", () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => readEdgeFrame(text) === null));
});
