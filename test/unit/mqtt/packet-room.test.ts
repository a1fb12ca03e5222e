// Packets that share a block share no byte.

import fc from "fast-check";
import { expect, it } from "vitest";
import { packetRoom } from "../../../src/broker/mqtt/packet-room.ts";

const LENGTH_MAX = 3_000;

it("gives each packet room of its own, as long as it asked for and empty", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: LENGTH_MAX }), { maxLength: 60 }), (lengths) => {
      const rooms = lengths.map((length) => packetRoom(length));
      for (const [i, room] of rooms.entries()) {
        expect(room.length).toBe(lengths[i]);
        expect(room.every((byte) => byte === 0)).toBe(true);
        room.fill((i % 255) + 1);
      }
      for (const [i, room] of rooms.entries()) expect(room.every((byte) => byte === (i % 255) + 1)).toBe(true);
    }),
    { seed: 1, numRuns: 200 },
  );
});
