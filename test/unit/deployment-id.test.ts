import { expect, it } from "vitest";
import { jurisdictionOf, makeDeploymentId, parseDeploymentId } from "../../src/contracts/deployment-id.ts";

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

it("makes ids that only its key accepts", async () => {
  const id = await makeDeploymentId("eu", "key", random);
  expect(id).toMatch(/^e[a-z2-9]{24}$/);
  expect(await parseDeploymentId(id, "key")).toBe(id);
  expect(await parseDeploymentId(id, "another key")).toBeNull();
  expect(jurisdictionOf(id)).toBe("eu");
});

it("refuses every id with one character changed", async () => {
  const id = await makeDeploymentId("auto", "key", random);
  for (let i = 0; i < id.length; i++) {
    const other = id.charAt(i) === "b" ? "c" : "b";
    expect(await parseDeploymentId(id.slice(0, i) + other + id.slice(i + 1), "key")).toBeNull();
  }
});

it("makes the ids that every release must know", async () => {
  const counting = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i);
  expect(await makeDeploymentId("auto", "key", counting)).toBe("aabcdefghijkmnpqri4vj5usv");
});

it.each(["", "a", "x".repeat(25), "A".repeat(25), `a${"b".repeat(25)}`, `a${"l".repeat(24)}`, `a${"é".repeat(24)}`])(
  "refuses what has not the form of an id: %j",
  async (text) => {
    expect(await parseDeploymentId(text, "key")).toBeNull();
  },
);

it("binds an id to the jurisdiction of its region", async () => {
  for (const [region, jurisdiction] of [
    ["auto", null],
    ["eu", "eu"],
    ["fedramp", "fedramp"],
  ] as const) {
    expect(jurisdictionOf(await makeDeploymentId(region, "key", random))).toBe(jurisdiction);
  }
});
