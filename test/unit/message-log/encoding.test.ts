// How the log's rows, blocks of its index and references are written. The bytes are frozen: they are read for ever, and
// whoever changes what is written makes a new version of it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { Message } from "../../../src/broker/session/message.ts";
import { ByteReader, ByteWriter } from "../../../src/durable-objects/session-shard/message-log/bytes.ts";
import type { Delta } from "../../../src/durable-objects/session-shard/message-log/delta.ts";
import type { Entry } from "../../../src/durable-objects/session-shard/message-log/entry.ts";
import { messageNumber } from "../../../src/durable-objects/session-shard/message-log/entry.ts";
import { Block, BlockWriter } from "../../../src/durable-objects/session-shard/message-log/index-block.ts";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import {
  readMessages,
  RowWriter,
  visitRow,
  withoutDead,
} from "../../../src/durable-objects/session-shard/message-log/log-row.ts";
import { References } from "../../../src/durable-objects/session-shard/message-log/references.ts";
import { MemoryTables } from "./memory-tables.ts";

const packet = Uint8Array.of(0x32, 6, 0, 1, 0x61, 0, 1, 0);
const ROW = 300;

const plain = { qos: 1, retain: false, identifiers: [], share: "" } as const;
const full = { qos: 2, retain: true, identifiers: [1, 300], share: "$share/g/a" } as const;

const ENTRIES = [
  "01",
  // version
  "0100000802",
  "4014000000000000",
  "0701",
  "4018000000000000",
  "80808080808040",
  "1e0201ac020a2473686172652f672f61",
  "0105020801",
  "4014000000000000",
  "0801",
  "02",
  "4014000000000000",
  "02",
  "03b80404",
  "01b50402",
].join("");
const MESSAGES = ["01", "00", "4020000000000000", "80d095ffbc31", "08", "3206000161000100"].join("");

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function writtenRow(): RowWriter {
  const row = new RowWriter(ROW, logBounds);
  const number = row.message(new Message(readTrustedPublish(packet), 8, 1_700_000_000_000));
  row.added(number, packet.length, [
    { session: 5, n: 7, ...plain },
    { session: 6, n: 2 ** 48, ...full },
  ]);
  row.added(messageNumber(ROW - 3, 2), packet.length, [{ session: 5, n: 8, ...plain }]);
  row.removed(5, [
    { n: 4, message: messageNumber(1, 2) },
    { n: 3, message: messageNumber(ROW - 16, 4) },
  ]);
  return row;
}

describe("a row of the log", () => {
  it("is written so", () => {
    const { entries, messages } = writtenRow().bytes();
    expect(hex(entries)).toBe(ENTRIES);
    expect(hex(messages)).toBe(MESSAGES);
  });

  it("is read so", () => {
    const told: unknown[] = [];
    visitRow(ROW, bytesOf(ENTRIES), {
      added: (session, entry) => told.push(["added", session, entry]),
      removed: (session, removal) => told.push(["removed", session, removal]),
    });
    const [first, earlier] = [messageNumber(ROW, 0), messageNumber(ROW - 3, 2)];
    expect(told).toEqual([
      ["added", 5, { n: 7, message: first, bytes: 8, ...plain }],
      ["added", 6, { n: 2 ** 48, message: first, bytes: 8, ...full }],
      ["added", 5, { n: 8, message: earlier, bytes: 8, ...plain }],
      ["removed", 5, { n: 3, message: messageNumber(ROW - 16, 4) }],
      ["removed", 5, { n: 4, message: messageNumber(1, 2) }],
    ]);
    const messages = bytesOf(MESSAGES);
    const found = readMessages(messages);
    expect([...found]).toEqual([[0, { publisher: 8, expiresAt: 1_700_000_000_000, from: 17, to: 25 }]]);
    expect(messages.slice(17, 25)).toEqual(packet);
  });

  it("is no more needed than its messages if it tells of these alone", () => {
    const row = new RowWriter(ROW, logBounds);
    const number = row.message(new Message(readTrustedPublish(packet), 8, 0));
    row.added(number, packet.length, [{ session: 5, n: 7, ...plain }]);
    row.removed(5, [{ n: 7, message: number }]);
    expect(row.selfContained).toBe(true);
    row.removed(5, [{ n: 6, message: messageNumber(ROW - 1, 0) }]);
    expect(row.selfContained).toBe(false);
  });

  it("leaves out messages that nobody needs, and keeps the places of the others", () => {
    const row = new RowWriter(ROW, logBounds);
    for (let i = 0; i < 3; i++) row.message(new Message(readTrustedPublish(packet), i, 0));
    const { messages } = row.bytes();
    const left = withoutDead(messages, (place) => place !== 1);
    expect([...readMessages(left)].map(([place, { publisher }]) => [place, publisher])).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(readMessages(new Uint8Array())).toEqual(new Map());
  });

  it("of another version is not read", () => {
    const [entries, messages] = [bytesOf(ENTRIES), bytesOf(MESSAGES)];
    entries[0] = messages[0] = 2;
    const visitor = { added: () => undefined, removed: () => undefined };
    expect(() => visitRow(ROW, entries, visitor)).toThrow(RangeError);
    expect(() => readMessages(messages)).toThrow(RangeError);
  });
});

/** Version and how many parts; sessions and ends; the parts. */
const BLOCK = [
  "01",
  "00000002",
  "4014000000000000",
  "00000026",
  "4022000000000000",
  "0000002e",
  "02",
  "07d804000801",
  "f9ffffffffff3f0502ac021e0201ac020a2473686172652f672f61",
  "01",
  "030202",
  "01",
  "07d804000801",
  "00",
].join("");

const delta: Delta = {
  added: [
    { n: 7, message: messageNumber(ROW, 0), bytes: 8, ...plain },
    { n: 2 ** 48, message: messageNumber(ROW - 3, 2), bytes: 300, ...full },
  ],
  removed: [{ n: 3, message: messageNumber(1, 2) }],
};

describe("a block of the index", () => {
  it("is written and read so", () => {
    const blocks: [number, Uint8Array][] = [];
    const writer = new BlockWriter(logBounds.blockBytes, (first, bytes) => blocks.push([first, bytes]));
    writer.add(5, delta);
    writer.add(9, { added: delta.added.slice(0, 1), removed: [] });
    writer.finish();
    expect(blocks.map(([first, bytes]) => [first, hex(bytes)])).toEqual([[5, BLOCK]]);
    const block = new Block(bytesOf(BLOCK));
    expect(block.find(5)).toEqual([delta]);
    expect(block.find(9)).toEqual([{ added: delta.added.slice(0, 1), removed: [] }]);
    for (const other of [0, 6, 10]) expect(block.find(other)).toEqual([]);
    expect([...block.parts()].map(([session]) => session)).toEqual([5, 9]);
    const later = bytesOf(BLOCK);
    later[0] = 2;
    expect(() => new Block(later)).toThrow(RangeError);
  });

  it("holds what it has room for: the rest of a session is in the next", () => {
    const added = Array.from({ length: 500 }, (_, i): Entry => {
      return { n: i + 1, message: messageNumber(i, i % 3), bytes: 100, ...plain };
    });
    const blocks: [number, Block][] = [];
    const writer = new BlockWriter(400, (first, bytes) => blocks.push([first, new Block(bytes)]));
    for (const session of [1, 2, 3]) writer.add(session, { added, removed: added.slice(0, 7) });
    writer.finish();
    expect(blocks.length).toBeGreaterThan(6);
    const found = blocks.flatMap(([, block]) => block.find(2));
    expect(found.flatMap((each) => each.added)).toEqual(added);
    expect(found.flatMap((each) => each.removed)).toEqual(added.slice(0, 7).map(({ n, message }) => ({ n, message })));
  });
});

it("references are written and read so", () => {
  const tables = new MemoryTables();
  const layer = { upTo: ROW + 1, full: false, bytesOf: () => 0, compact: () => false };
  const references = new References(tables, logBounds, 0);
  references.add(messageNumber(ROW, 0), 2, 300);
  references.add(messageNumber(ROW, 5), 1, 8);
  references.add(messageNumber(ROW + 1, 0), 1, 8);
  references.save(layer);
  expect([...tables.chunks].map(([chunk, bytes]) => [chunk, hex(bytes)])).toEqual([
    [4, ["01", "2cb40202", "0002ac02", "050108", "2d0801", "000108"].join("")],
  ]);
  const again = new References(tables, logBounds, ROW + 1);
  again.release(messageNumber(ROW, 0), true);
  expect([again.has(messageNumber(ROW, 0)), again.takeDead()]).toEqual([true, []]);
  again.release(messageNumber(ROW, 0), true);
  expect([again.has(messageNumber(ROW, 0)), again.has(messageNumber(ROW, 5))]).toEqual([false, true]);
  again.release(messageNumber(ROW, 5), true);
  expect([again.takeDead(), again.has(messageNumber(ROW + 1, 0))]).toEqual([[ROW], true]);
  again.save(layer);
  const noting = new References(tables, logBounds, ROW + 1);
  noting.release(messageNumber(ROW + 1, 0), false);
  expect([noting.noted, noting.takeDead()]).toEqual([1, []]);
  noting.save(layer);
  expect([noting.noted, noting.takeDead(), tables.chunks.size]).toEqual([0, [ROW + 1], 0]);
});

it("numbers are read as they were written, and never behind the end", () => {
  const numbers = fc.array(fc.oneof(fc.maxSafeNat(), fc.nat({ max: 300 }), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40)));
  fc.assert(
    fc.property(numbers, fc.string(), (all, text) => {
      const writer = new ByteWriter();
      for (const each of all) {
        writer.number(each);
        writer.difference((each % 2 === 0 ? 1 : -1) * (each % 2 ** 51));
      }
      writer.text(text);
      const bytes = writer.copy();
      const reader = new ByteReader(bytes);
      for (const each of all) {
        expect(reader.number()).toBe(each);
        expect(reader.difference() + 0).toBe((each % 2 === 0 ? 1 : -1) * (each % 2 ** 51) + 0);
      }
      expect(reader.text()).toBe(text);
      expect(reader.more).toBe(false);
      expect(() => reader.number()).toThrow(RangeError);
    }),
    { seed: 31, numRuns: 200 },
  );
});
