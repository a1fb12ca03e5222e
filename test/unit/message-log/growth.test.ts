// What the message log comes to when it is used for long: in its tables and in memory.

import { describe, expect, it } from "vitest";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { MemoryTables } from "./memory-tables.ts";
import { message, plain, uidOf } from "./messages.ts";

const ALL = Number.MAX_SAFE_INTEGER;

it("all piles are merged in turn, so that none has many runs", { timeout: 60_000 }, () => {
  const [sessions, full, recipients] = [500, 50, 32];
  const bounds = { ...logBounds, pileEntries: 512, mergeEntries: 256, tailBytes: 2_048, blockBytes: 1_024 };
  const tables = new MemoryTables();
  const log = new MessageLog(tables, () => undefined, bounds);
  const queued = new Map<number, number>();
  for (let n = 1; n <= 4_000; n++) {
    const to = Array.from({ length: recipients }, (_, i) => uidOf((n * 7_919 + i * 61) % sessions));
    log.append(
      message(),
      to.map((session) => ({ session, n, ...plain })),
    );
    for (const session of to) {
      const count = (queued.get(session) ?? 0) + 1;
      if (count > full) log.removeFirst(session, { after: 0, before: ALL }, 1, 0, 9);
      queued.set(session, Math.min(count, full));
    }
    log.settle();
  }
  const manifest = tables.manifest();
  expect(manifest?.piles.length).toBeGreaterThan(20);
  expect(Math.max(...(manifest?.piles ?? []).map(({ runs }) => runs.length))).toBeLessThan(40);
  expect(JSON.stringify(manifest).length).toBeLessThan(50_000);
});

describe("counts of entries", () => {
  /** Counts how often they are read. */
  class Tables extends MemoryTables {
    counted = 0;

    override references(chunk: number): Uint8Array | null {
      this.counted += 1;
      return super.references(chunk);
    }
  }

  /** 20,000 messages for 100 sessions in 1,000 rows, laid down. */
  function filled(): Tables {
    const tables = new Tables();
    const log = new MessageLog(tables, () => undefined);
    for (let i = 0; i < 20_000; i++) {
      log.append(message(600), [{ session: uidOf(i % 100), n: i + 1, ...plain }]);
      if (i % 20 === 19) log.settle();
    }
    log.reclaim();
    tables.counted = 0;
    return tables;
  }

  /** Each 17th message is taken. */
  function takeSome(log: MessageLog): void {
    for (let i = 0; i < 20_000; i += 17) log.remove(uidOf(i % 100), i + 1);
    log.commit();
  }

  it("are not read by who wakes", () => {
    const tables = filled();
    takeSome(new MessageLog(tables, () => undefined));
    tables.counted = 0;
    const woken = new MessageLog(tables, () => undefined);
    expect([woken.entries, tables.counted]).toEqual([18_823, 0]);
    woken.reclaim();
    expect(tables.counted).toBeLessThan(30);
  });

  it("stay outside memory, and each is read once when the tail is laid down", () => {
    const tables = filled();
    const bounds = { ...logBounds, referenceMessages: 100, notedMessages: 5_000, tailBytes: 1e9, tailRows: 1e9 };
    const log = new MessageLog(tables, () => undefined, bounds);
    takeSome(log);
    expect(tables.counted).toBeLessThan(3);
    const { size } = tables.log;
    for (let i = 0; i < 20_000; i++) log.remove(uidOf(i % 100), i + 1, true);
    log.settle();
    expect(log.entries).toBe(0);
    expect(size).toBeGreaterThan(900);
    expect(tables.log.size).toBe(0);
  });

  it("that change in too many places are written", () => {
    const tables = filled();
    const bounds = { ...logBounds, referenceMessages: 100, notedMessages: 5_000, tailBytes: 1e9, tailRows: 1e9 };
    const log = new MessageLog(tables, () => undefined, bounds);
    for (let i = 0; i < 10_000; i++) log.remove(uidOf(i % 100), i + 1);
    log.commit();
    expect(tables.log.size).toBeLessThan(800);
    expect(tables.counted).toBeLessThan(40);
  });
});

describe("one event", () => {
  /** Bytes of entries that were written before its end. */
  function written(tables: MemoryTables): number {
    return [...tables.log.values()].reduce((sum, { entries }) => sum + entries.length, 0);
  }

  it("writes what it adds before that is too much", () => {
    const tables = new MemoryTables();
    const log = new MessageLog(tables, () => undefined);
    for (let n = 1; n <= 40; n++) {
      const to = Array.from({ length: 10_000 }, (_, i) => ({ session: uidOf(i), n, ...plain }));
      log.append(message(), to);
    }
    expect(written(tables)).toBeGreaterThan(3_000_000);
    log.settle();
    expect(log.entries).toBe(400_000);
    expect(new MessageLog(tables, () => undefined).entries).toBe(400_000);
  });

  it("writes what it takes before that is too much", () => {
    const tables = new MemoryTables();
    const log = new MessageLog(tables, () => undefined);
    for (let n = 1; n <= 100; n++) {
      const to = Array.from({ length: 1_000 }, (_, i) => ({ session: uidOf(i), n, ...plain }));
      log.append(message(2_000), to);
      log.settle();
    }
    for (let i = 0; i < 999; i++) log.clear(uidOf(i));
    // Of another object that begins here.
    expect(new MessageLog(tables, () => undefined).entries).toBeLessThan(20_000);
    log.settle();
    expect(new MessageLog(tables, () => undefined).entries).toBe(100);
  });
});
