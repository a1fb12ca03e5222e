import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";

const units: Record<string, number> = { KiB: 1024, MiB: 1024 * 1024, ms: 1, s: 1_000, min: 60_000 };

/** `| `name` | 256 KiB |` as [name, 262144]. */
function documented(): [string, number][] {
  const text = readFileSync(new URL("../../../ARCHITECTURE.md", import.meta.url), "utf8");
  return [...text.matchAll(/^\| `(\w+)` +\| ([\d,]+)(?: (KiB|MiB|ms|s|min))? +\|/gm)].map(
    ([, name = "", number = "", unit]) => [name, Number(number.replaceAll(",", "")) * (units[unit ?? ""] ?? 1)],
  );
}

it("ARCHITECTURE.md lists every limit of the data plane with its value", () => {
  expect(Object.fromEntries(documented())).toEqual(limits);
});
