// The manifest against the project: nothing is cited that it does not know, no statement is without a test or a reason,
// and every test that it names is there.

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { manifest } from "./manifest/manifest.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const ID = /\bMQTT(?:311)?-\d+\.\d+(?:\.\d+)?-\d+\b/g;
/** A call's first argument, with more behind it: a title, whether after `it(` or after the rows of `it.for(...)(`. */
const TITLE = /\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1\s*,\s*(?:async\b|\(|\{)/g;
/** The one statement of 5.0 whose section has no third figure. */
const SHORT = "MQTT-4.2-1";

const sources = globSync(["src/**/*.ts", "test/**/*.ts"], { cwd: root })
  .filter((path) => !path.startsWith("test/conformance/manifest"))
  .map((path) => ({ path, text: readFileSync(root + path, "utf8") }));
const testFiles = sources
  .filter(({ path }) => path.endsWith(".test.ts"))
  .map(({ text }) => ({ text, titles: new Set(Array.from(text.matchAll(TITLE), ([, , title = ""]) => title)) }));
const known = new Set(manifest.map(([id]) => id));

describe("the manifest", () => {
  it("has each statement once, by an id of the specification's form", () => {
    const ids = manifest.map(([id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => id !== SHORT && !/^MQTT(311)?-\d+\.\d+\.\d+-\d+$/.test(id))).toEqual([]);
  });

  it("knows every id that is cited in src and test", () => {
    const unknown = sources.flatMap(({ path, text }) =>
      Array.from(text.matchAll(ID), ([id]) => id)
        .filter((id) => !known.has(id))
        .map((id) => `${path}: ${id}`),
    );
    expect(unknown).toEqual([]);
  });

  it("has tests or a reason for every statement", () => {
    const bare = manifest.filter(([, statement]) =>
      "tests" in statement ? statement.tests.length === 0 : statement.notApplicable.trim() === "",
    );
    expect(bare.map(([id]) => id)).toEqual([]);
    expect(manifest.filter(([, { says }]) => says.trim() === "").map(([id]) => id)).toEqual([]);
  });

  it("names tests that are there, in files that cite the statement", () => {
    const missing = manifest.flatMap(([id, statement]) =>
      ("tests" in statement ? statement.tests : [])
        .filter((title) => !testFiles.some(({ text, titles }) => titles.has(title) && text.includes(`[${id}]`)))
        .map((title) => `${id}: ${title}`),
    );
    expect(missing).toEqual([]);
  });
});
