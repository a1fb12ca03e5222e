// Queues of sessions that end with their connection, beside a store that only counts: what is written when there is too
// much of them, and what a full one costs from then on.

import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { writePublish } from "../../../src/broker/mqtt/write-publish.ts";
import { Message } from "../../../src/broker/session/message.ts";
import type { NumberRange, Recipient, Removed } from "../../../src/broker/session/session-store.ts";
import type { SqlSessionStore } from "../../../src/durable-objects/session-shard/sql-session-store.ts";
import { WriteBehindStore } from "../../../src/durable-objects/session-shard/write-behind-store.ts";

const BYTES = 64 * 1_024;
const SESSIONS = 64;
/** Of each session, so that all together are a little more than may be kept. */
const EACH = Math.ceil(limits.keptQueueBytes / BYTES / SESSIONS);
const ALL: NumberRange = { after: 0, before: Number.MAX_SAFE_INTEGER };

/** Numbers by session, and how many rows were ever written. */
class Rows {
  readonly numbers = new Map<number, number[]>();
  written = 0;

  append(_message: Message, recipients: readonly Recipient[]): void {
    for (const { session, n } of recipients) {
      this.numbers.set(session, [...(this.numbers.get(session) ?? []), n]);
      this.written += 1;
    }
  }

  read(session: number): { n: number }[] {
    return (this.numbers.get(session) ?? []).map((n) => ({ n }));
  }

  removeFirst(session: number, { before }: NumberRange, count: number): Removed {
    const numbers = this.numbers.get(session) ?? [];
    const entries = Math.min(count, numbers.filter((n) => n < before).length);
    this.numbers.set(session, numbers.slice(entries));
    return { entries, bytes: entries * BYTES, qos0: 0 };
  }

  settle(): void {}
}

function setUp() {
  const rows = new Rows();
  const store = new WriteBehindStore({
    sql: rows as unknown as SqlSessionStore,
    lasting: () => false,
    onKept: () => undefined,
  });
  const append = (session: number, n: number) => {
    const fields = { topic: "t", qos: 1, retain: false, packetId: 1, properties: new Uint8Array() } as const;
    const message = new Message(readTrustedPublish(writePublish({ ...fields, payload: new Uint8Array(BYTES) })), 0, 0);
    store.append(message, [{ session, n, qos: 1, retain: false, identifiers: [], share: "" }]);
  };
  for (let n = 1; n <= EACH; n++) for (let session = 1; session <= SESSIONS; session++) append(session, n);
  return { rows, store, append };
}

it("too much is written at the end of the event, and of some sessions alone", () => {
  const { rows, store } = setUp();
  expect(rows.written).toBe(0);
  store.settle();
  expect(rows.written).toBeGreaterThan(0);
  expect(rows.numbers.size).toBeLessThan(SESSIONS / 2);
});

it("a full queue of which something is stored loses that first, and writes nothing more", () => {
  const { rows, store, append } = setUp();
  store.settle();
  const { written } = rows;
  const [[session = 0] = []] = rows.numbers;
  for (let n = EACH + 1; n <= 2 * EACH; n++) {
    append(session, n);
    expect(store.removeFirst(session, ALL, 1, 0, EACH).entries).toBe(1);
  }
  expect(rows.written).toBe(written);
  expect(rows.numbers.get(session)).toEqual([]);
  expect(store.removeFirst(session, ALL, 1, 0, EACH).entries).toBe(1);
});
