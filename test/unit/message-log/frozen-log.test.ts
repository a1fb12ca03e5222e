// A log as a release has written it, with a part that was laid down and a tail: it is read for ever.

import { expect, it } from "vitest";
import { MessageLog } from "../../../src/durable-objects/session-shard/message-log/message-log.ts";
import { MemoryTables } from "./memory-tables.ts";

const manifest = {
  v: 1,
  upTo: 2,
  entries: 4,
  piles: [{ first: 0, runs: [{ size: 4, blocks: [[1, 5]] }] }],
  nextBlock: 2,
} as const;

/** Number, entries and messages. */
const log = [
  [
    1,
    "010100000902401400000000000007014018000000000000808080808080401e0201ac020a2473686172652f672f61010001090140140000000000000801",
    "0100402000000000000041093207000161000100410140200000000000004209320700016100010042",
  ],
  [2, "01010000090140180000000000000901", "010040200000000000004309320700016100010043"],
  [3, "0101000009014014000000000000090102401400000000000001070200", "010040200000000000004409320700016100010044"],
] as const;

const BLOCK =
  "010000000240140000000000000000000c40180000000000000000002d020702000901010001090100020904000901f7ffffffffff3f0100091e0201ac020a2473686172652f672f6100";
const REFERENCES = "01011202000209010109020901000109";

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function frozen(): MemoryTables {
  const tables = new MemoryTables();
  tables.putManifest(manifest);
  for (const [row, entries, messages] of log) tables.insertRow(row, bytesOf(entries), bytesOf(messages));
  tables.insertBlock(1, bytesOf(BLOCK));
  tables.putReferences(0, bytesOf(REFERENCES));
  return tables;
}

it("is read, and goes on", () => {
  const tables = frozen();
  const read = () => {
    const opened = new MessageLog(tables, () => undefined);
    const of = (session: number) =>
      opened.read(session, 0, 10).map(({ n, qos, retain, identifiers, share, message }) => {
        const { publish, publisher, expiresAt } = message;
        const payload = String.fromCharCode(publish.bytes.at(-1) ?? 0);
        return [n, qos, retain, identifiers, share, payload, publisher, expiresAt];
      });
    return { opened, five: of(5), six: of(6) };
  };
  const { opened, five, six } = read();
  expect(opened.entries).toBe(4);
  expect(five).toEqual([
    [8, 1, false, [], "", "B", 8, 0x42],
    [9, 1, false, [], "", "D", 8, 0x44],
  ]);
  expect(six).toEqual([
    [9, 1, false, [], "", "C", 8, 0x43],
    [2 ** 48, 2, true, [1, 300], "$share/g/a", "A", 8, 0x41],
  ]);
  opened.remove(6, 2 ** 48);
  opened.reclaim();
  expect(read()).toMatchObject({ five, six: six.slice(0, 1) });
  opened.clear(5);
  opened.clear(6);
  opened.commit();
  expect([tables.log.size, tables.blocks.size, tables.chunks.size]).toEqual([0, 0, 0]);
});
