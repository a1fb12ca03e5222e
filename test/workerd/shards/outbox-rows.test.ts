// The rows of a session shard's outbox over its real table: what is next for a topic shard, and what is left, in whatever
// order they are settled.

import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { expect, it } from "vitest";
import { OutboxRows } from "../../../src/durable-objects/session-shard/outbox-rows.ts";
import { TestDeployment } from "./link-client.ts";

async function inOutbox(work: (sql: SqlStorage) => void): Promise<void> {
  const deployment = await TestDeployment.create("rows1x", 1);
  await runInDurableObject(deployment.sessionShard(0) as never, (_instance, { storage }) => work(storage.sql));
}

function messages(count: number) {
  return Array.from({ length: count }, () => ({ publisher: 1, expiresAt: 0, packet: new Uint8Array(4), share: "" }));
}

/** Sequences of all that `next` gives out of a topic shard, from behind `after` on. */
function following(rows: OutboxRows, topicShard: number, after: number): number[] {
  const found: number[] = [];
  for (;;) {
    const next = rows.next(topicShard, found.at(-1) ?? after).map(({ sequence }) => sequence);
    if (next.length === 0) return found;
    found.push(...next);
  }
}

it("gives rows in order, and those that are left, whatever is settled first", async () => {
  // Rows by their topic shard and their messages; the order in which messages are settled; how often that is written.
  const rowsOf = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 3 })), {
    maxLength: 30,
  });
  await inOutbox((sql) => {
    fc.assert(
      fc.property(rowsOf, fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 10 }), (shape, picks, flushEvery) => {
        sql.exec("DELETE FROM outbox");
        const rows = new OutboxRows(sql);
        const stored = shape.map(([topicShard, count]) => {
          const first = rows.add(topicShard, messages(count));
          return { topicShard, sequences: Array.from({ length: count }, (_, i) => first + i) };
        });
        const open = new Set(stored.flatMap(({ sequences }) => sequences));
        const left = (topicShard: number) =>
          stored
            .filter((row) => row.topicShard === topicShard && row.sequences.some((sequence) => open.has(sequence)))
            .flatMap(({ sequences }) => sequences);
        const check = (current: OutboxRows) => {
          for (const topicShard of [0, 1, 2]) {
            const expected = left(topicShard);
            expect(following(current, topicShard, 0)).toEqual(expected);
            const from = expected[expected.length >> 1] ?? 0;
            expect(following(current, topicShard, from)).toEqual(expected.filter((sequence) => sequence > from));
          }
          expect(current.topicShards().sort()).toEqual([0, 1, 2].filter((shard) => left(shard).length > 0));
        };
        check(rows);
        while (open.size > 0) {
          const sequence = [...open][picks.next().value % open.size] ?? 0;
          open.delete(sequence);
          rows.settled(sequence);
          if (open.size % flushEvery === 0) rows.flush();
          check(rows);
          expect(rows.messages).toBe(open.size);
        }
        rows.flush();
        expect(rows.bytes).toBe(0);
        check(new OutboxRows(sql));
      }),
      { numRuns: 50 },
    );
  });
});
