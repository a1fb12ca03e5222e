import * as fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys } from "../../../src/broker/compare-keys.ts";
import type { ClientInfo } from "../../../src/contracts/rpc.ts";
import type { ClientSource } from "../../../src/control-plane/deployment-api/clients/merge-clients.ts";
import { mergeClients } from "../../../src/control-plane/deployment-api/clients/merge-clients.ts";

/** A shard that lists as SQLite does: in the order of UTF-8 bytes. */
function sourceOf(ids: readonly string[], asked: number[] = []): ClientSource {
  const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return async (after, limit) => {
    asked.push(limit);
    const behind = sorted.filter((id) => after === "" || Buffer.compare(Buffer.from(id), Buffer.from(after)) > 0);
    const clients = behind.slice(0, limit).map((clientId) => ({ clientId }) as ClientInfo);
    return { clients, count: sorted.length };
  };
}

const idsOf = (clients: ClientInfo[]) => clients.map(({ clientId }) => clientId);

it("merges any spread over any number of shards, page by page, to the one sorted list", async () => {
  const clientIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4, unit: "binary" }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      clientIds,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      async (ids, shards, limit) => {
        const spread = Array.from({ length: shards }, (_, shard) => ids.filter((id) => id.length % shards === shard));
        const expected = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const seen: string[] = [];
        for (let skip = 0; skip <= ids.length; skip += limit) {
          const { clients, count } = await mergeClients(
            spread.map((part) => sourceOf(part)),
            skip,
            limit,
          );
          expect(count).toBe(ids.length);
          expect(clients.length).toBeLessThanOrEqual(limit);
          seen.push(...idsOf(clients));
        }
        expect(seen).toEqual(expected);
      },
    ),
    { seed: 4, numRuns: 200 },
  );
});

it("asks for no more at a time than a thousand, and goes on where a shard holds more than its share", async () => {
  const asked: number[] = [];
  const ids = Array.from({ length: 5_000 }, (_, i) => `client-${String(i).padStart(5, "0")}`);
  const { clients, count } = await mergeClients([sourceOf(ids, asked), sourceOf([])], 4_000, 100);
  expect(idsOf(clients)).toEqual(ids.slice(4_000, 4_100));
  expect(count).toBe(5_000);
  expect(Math.max(...asked)).toBe(1_000);
});

it("a page behind the last client is empty and still tells the count", async () => {
  expect(await mergeClients([sourceOf(["a"]), sourceOf(["b"])], 10, 10)).toEqual({ clients: [], count: 2 });
  expect(await mergeClients([sourceOf([])], 0, 10)).toEqual({ clients: [], count: 0 });
});

it("a shard's failure is the list's failure", async () => {
  const broken: ClientSource = () => Promise.reject(new Error("gone"));
  await expect(mergeClients([sourceOf(["a"]), broken], 0, 10)).rejects.toThrow("gone");
});

it("compares as UTF-8 does, where UTF-16 units would not", () => {
  expect(compareKeys("\uffff", "\u{10000}")).toBeLessThan(0);
  expect(compareKeys("a", "ab")).toBeLessThan(0);
  expect(compareKeys("b", "ab")).toBeGreaterThan(0);
  expect(compareKeys("a\u{1f600}", "a\u{1f600}")).toBe(0);
});
