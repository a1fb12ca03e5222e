// Topic names and filters for property tests: short, so that they often match, with empty levels, characters on both
// sides of the slash, and characters whose UTF-8 and UTF-16 order differ.

import * as fc from "fast-check";

const level = fc.constantFrom("a", "b", "", "a!", "$x", "é", "\u{1F600}", "\uFFFD", " ", "0", "a0");
/** Topic names. */
export const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
/** Topic filters. */
export const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, many]) => [...levels, ...(many ? ["#"] : [])].join("/"))
  .filter((text) => text !== "");
