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
