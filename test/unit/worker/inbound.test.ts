// What a connection makes of its client's packets: how many filters it takes, with the time passed in, and what the shard
// gets of acknowledgements.

import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { ProtocolVersion } from "../../../src/broker/mqtt/packets.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { InboundReader } from "../../../src/worker/mqtt-connection/inbound.ts";

const { filtersBurst, filtersPerSecond, filtersPerPacket } = limits;

function setUp(version: ProtocolVersion) {
  const clock = { now: 1_000_000 };
  const bounds = { messageBytesMax: () => 1_000, transient: true, maximumPacketSize: null, now: () => clock.now };
  const reader = new InboundReader(version, bounds);
  const read = (packet: object) =>
    reader.read(Uint8Array.from(mqttPacket.generate(packet as Packet, { protocolVersion: version })));
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  const subscribe = (count: number) =>
    read({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: names(count).map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 })),
    });
  const unsubscribe = (count: number) => read({ cmd: "unsubscribe", messageId: 1, unsubscriptions: names(count) });
  return { clock, reader, subscribe, unsubscribe };
}

const tooMany = expect.objectContaining({
  reasonCode: reasonCodes.quotaExceeded,
  message: expect.stringContaining(`${filtersPerSecond} a second`),
});

describe.each([3, 4, 5] as const)("filters of a client of level %i", (version) => {
  it("the largest packet passes, and so do many of a thousand", () => {
    expect(setUp(version).subscribe(filtersPerPacket).type).toBe("forward");
    const { subscribe } = setUp(version);
    for (let i = 0; i < filtersBurst; i += 1_000) expect(subscribe(1_000).type).toBe("forward");
  });

  it("past the burst the next ends the connection, SUBSCRIBE as UNSUBSCRIBE, until time gives more", () => {
    const { clock, subscribe, unsubscribe } = setUp(version);
    subscribe(filtersBurst / 2);
    unsubscribe(filtersBurst / 2);
    expect(() => subscribe(1)).toThrow(tooMany);
    expect(() => unsubscribe(1)).toThrow(tooMany);
    clock.now += 2_000;
    expect(unsubscribe(filtersPerSecond).type).toBe("forward");
    expect(subscribe(filtersPerSecond).type).toBe("forward");
    expect(() => subscribe(1)).toThrow(tooMany);
  });
});

describe("acknowledgements", () => {
  const bare = [0x40, 0x50, 0x62, 0x70].map((first) => Uint8Array.of(first, 2, 0x12, 0x34));

  it.each([3, 4, 5] as const)("of level %i without a reason are for the shard what they were", (version) => {
    const { reader } = setUp(version);
    for (const packet of bare) expect(reader.read(packet)).toMatchObject({ type: "forward", packet });
  });

  it("of 3.1 with DUP, and those of 5.0 with properties, are as the shard knows them", () => {
    const [, , pubrel] = bare;
    expect(setUp(3).reader.read(Uint8Array.of(0x6a, 2, 0x12, 0x34))).toMatchObject({ packet: pubrel });
    expect(setUp(5).reader.read(Uint8Array.of(0x62, 4, 0x12, 0x34, 0, 0))).toMatchObject({ packet: pubrel });
  });
});
