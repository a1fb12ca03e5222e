import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrontendReader, fatal, stateAfter, welcome } from "../../../../scripts/postgres/wire.ts";

function frame(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}    ${body}`);
  bytes.writeInt32BE(4 + Buffer.byteLength(body), 1);
  return bytes;
}

describe("FrontendReader", () => {
  it("finds the same messages however the bytes come in", () => {
    const types = fc.constantFrom("Q", "P", "B", "E", "S");
    const input = fc.array(fc.tuple(types, fc.string({ unit: "grapheme" })), { maxLength: 20 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(input, sizes, (messages, pieces) => {
        const bytes = Buffer.concat(messages.map(([type, body]) => frame(type, body)));
        const reader = new FrontendReader();
        const found: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = pieces[i % pieces.length] ?? 1;
          reader.push(bytes.subarray(at, at + size));
          at += size;
          for (let message = reader.takeMessage(); message !== null; message = reader.takeMessage()) {
            found.push(message.toString("latin1"));
          }
        }
        expect(found).toEqual(messages.map(([type, body]) => frame(type, body).toString("latin1")));
      }),
      { seed: 7 },
    );
  });

  it("knows how a connection may open, and nothing else", () => {
    const opening = (length: number, code: number, rest = "") => {
      const bytes = Buffer.alloc(8 + rest.length, rest);
      bytes.writeInt32BE(length, 0);
      bytes.writeInt32BE(code, 4);
      const reader = new FrontendReader();
      reader.push(bytes);
      return reader.takeOpening();
    };
    expect(opening(8, 80_877_103)).toBe("encryption");
    expect(opening(8, 80_877_102)).toBe("cancel");
    expect(opening(8, 196_608)).toBe("startup");
    expect(opening(9, 196_608)).toBeNull();
    expect(() => opening(8, 12_345)).toThrow("not the Postgres protocol");
    expect(() => opening(0x4745_5420, 0x2f20_4854)).toThrow("impossible length");
    expect(() => opening(4, 196_608)).toThrow("impossible length");
  });

  it("refuses a message of an absurd length before it holds it", () => {
    const reader = new FrontendReader();
    reader.push(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]));
    expect(() => reader.takeMessage()).toThrow("impossible length");
  });
});

describe("stateAfter", () => {
  const ready = (state: string) => Buffer.from(`Z\0\0\0\u0005${state}`, "latin1");
  it("tells whether the turn is over", () => {
    expect(stateAfter(welcome("18"))).toBe("idle");
    expect(stateAfter(Buffer.concat([fatal("42601", "x"), ready("I")]))).toBe("idle");
    for (const answer of [ready("T"), ready("E"), fatal("42601", "x"), Buffer.alloc(0)]) {
      expect(stateAfter(answer)).toBe("busy");
    }
  });
});
