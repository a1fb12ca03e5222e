// What crosses a release, as releases have written it: these bytes are read for ever, and whoever changes what is written
// makes a new version of it.

import { expect, it } from "vitest";
import { readHandshakes, writeHandshakes } from "../../../src/broker/session/handshakes.ts";
import { readHeader, visitEntries } from "../../../src/contracts/envelope-reader.ts";
import { EnvelopeWriter } from "../../../src/contracts/envelope-writer.ts";
import { readCredit, writeDataFrame } from "../../../src/contracts/link.ts";
import { readReply, writeReply } from "../../../src/contracts/stream.ts";

const packet = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0);

/** Each entry: its name, how it is written, what a reader is told, its bytes behind the header. */
const entries: [string, (writer: EnvelopeWriter) => void, unknown[], string][] = [
  [
    "publish",
    (writer) => writer.publish(7, 8, 9, packet),
    [7, 8, 9, packet],
    "01000000074020000000000000402200000000000000000006300400016100",
  ],
  [
    "publishOnce",
    (writer) => writer.publishOnce(6, 7, 8, 9, packet),
    [6, 7, 8, 9, packet],
    "044018000000000000000000074020000000000000402200000000000000000006300400016100",
  ],
  [
    "message",
    (writer) => writer.message(8, 9, packet),
    [8, 9, packet],
    "104020000000000000402200000000000000000006300400016100",
  ],
  [
    "messageOnce",
    (writer) => writer.messageOnce({ shard: 2, sequence: 6 }, 8, 9, packet),
    [{ shard: 2, sequence: 6 }, 8, 9, packet],
    "16000240180000000000004020000000000000402200000000000000000006300400016100",
  ],
  [
    "returned",
    (writer) => writer.returned(6, "$share/g/a", 7, 8, 9, packet),
    [6, "$share/g/a", 7, 8, 9, packet],
    "054018000000000000000a2473686172652f672f61000000074020000000000000402200000000000000000006300400016100",
  ],
  ["load", (writer) => writer.load(5, 7, 2), [5, 7, 2], "0640140000000000000000000700000002"],
  [
    "shared",
    (writer) => writer.shared({ uid: 5, share: "$share/g/a", turn: 7 }, 6, 8, 9, packet),
    [{ uid: 5, share: "$share/g/a", turn: 7 }, 6, 8, 9, packet],
    "17401400000000000000000007000a2473686172652f672f6140180000000000004020000000000000402200000000000000000006300400016100",
  ],
  [
    "retained",
    (writer) => writer.retained(5, "a", 9, packet),
    [5, "a", 9, packet],
    "114014000000000000000161402200000000000000000006300400016100",
  ],
  ["routed", (writer) => writer.routed(7, 2, 0x10), [7, 2, 0x10], "12000000070000000210"],
  ["routeStored", (writer) => writer.routeStored(3, true), [3, true], "130000000301"],
  [
    "ownMessage",
    (writer) => writer.ownMessage(7, 8, 9, packet),
    [7, 8, 9, packet],
    "15000000074020000000000000402200000000000000000006300400016100",
  ],
];

const header = {
  sender: 1,
  incarnation: 2,
  sequence: 3,
  base: 3,
  receiver: 4,
  answered: 5,
  writeAtOnce: true,
};
const HEADER = "010100010000000240080000000000004008000000000000000000044014000000000000";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

it.each(entries)("an envelope with %s", (name, write, told, bytes) => {
  const writer = new EnvelopeWriter();
  write(writer);
  const envelope = writer.seal(header);
  expect(hex(envelope)).toBe(HEADER + bytes);
  const frozen = Uint8Array.from(Buffer.from(HEADER + bytes, "hex"));
  expect(readHeader(frozen)).toEqual(header);
  const seen: unknown[] = [];
  visitEntries(frozen, { [name]: (...args: unknown[]) => seen.push(args) });
  expect(seen).toEqual([told]);
});

it("an envelope's requests are JSON", () => {
  const writer = new EnvelopeWriter();
  writer.routeRequest({ request: 1, filter: "é", number: 2, wanted: true, retainedFor: null, retainedLimit: 0 });
  writer.retainedRequest({ session: 1, filter: "a", after: "", limit: 3 });
  writer.retainedPage({ session: 1, filter: "a", from: "", after: "b", more: false });
  const seen: unknown[] = [];
  const see = (value: unknown) => void seen.push(value);
  visitEntries(writer.seal(header), { routeRequest: see, retainedRequest: see, retainedPage: see });
  expect(seen).toEqual([
    { request: 1, filter: "é", number: 2, wanted: true, retainedFor: null, retainedLimit: 0 },
    { session: 1, filter: "a", after: "", limit: 3 },
    { session: 1, filter: "a", from: "", after: "b", more: false },
  ]);
});

it("an answer to a batch", () => {
  const bytes = "0101000000024008000000000000401c000000000000";
  const reply = { status: "gap", incarnation: 2, expected: 7 } as const;
  expect(hex(writeReply(3, reply))).toBe(bytes);
  expect(readReply(Uint8Array.from(Buffer.from(bytes, "hex")))).toEqual({ sequence: 3, reply });
});

it("a data frame of a link", () => {
  const frame = writeDataFrame(258, [packet], packet.length);
  expect(hex(frame)).toBe("0100000102300400016100");
  expect(readCredit(new DataView(frame.buffer))).toBe(258);
});

it("the handshakes of a session", () => {
  const handshakes = { awaitingRelease: [1, 0xffff], released: [258] };
  expect(hex(writeHandshakes(handshakes) ?? new Uint8Array())).toBe("0100020001ffff0102");
  expect(readHandshakes(Uint8Array.from(Buffer.from("0100020001ffff0102", "hex")))).toEqual(handshakes);
  expect(writeHandshakes({ awaitingRelease: [], released: [] })).toBeNull();
  expect(readHandshakes(null)).toEqual({ awaitingRelease: [], released: [] });
});
