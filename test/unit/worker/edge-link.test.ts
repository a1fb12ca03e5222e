// The edge's end of a link over a socket that keeps what it is sent: frames, both windows, order, heartbeat, ends.

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import type { ShardFrame } from "../../../src/contracts/link.ts";
import { HEARTBEAT, LINK_VERSION, linkClose } from "../../../src/contracts/link.ts";
import { EdgeLink } from "../../../src/worker/mqtt-connection/edge-link.ts";
import { frame, packetsIn, PUBACK, publish, UNSUBSCRIBE } from "./link-frames.ts";
import { SocketStub } from "./socket-stub.ts";

const window = limits.linkWindowBytes;

function setUp() {
  const stub = new SocketStub();
  const link = new EdgeLink(stub);
  const heard: { packets: Uint8Array[]; control: ShardFrame[]; errors: unknown[]; lost: number } = {
    packets: [],
    control: [],
    errors: [],
    lost: 0,
  };
  link.listen({
    onPackets: (packets) => heard.packets.push(packets.slice()),
    onControl: (control) => heard.control.push(control),
    onError: (error) => heard.errors.push(error),
    onLost: () => (heard.lost += 1),
  });
  return { stub, link, heard };
}

function creditOf(sent: Uint8Array | string | undefined): number {
  if (!(sent instanceof Uint8Array)) throw new TypeError("no data frame");
  return new DataView(sent.buffer, sent.byteOffset).getUint32(1);
}

/** Every timer that was set has rung: what the link was to send, it has sent. */
const settled = () => vi.runAllTimersAsync();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("frames", () => {
  it("one alone goes at the end of its event; what comes in the turns behind it travels in one frame", async () => {
    const { stub, link } = setUp();
    link.send(publish(20));
    expect(stub.sent).toEqual([]);
    await Promise.resolve();
    expect(stub.sent).toEqual([frame(0, publish(20))]);
    link.send(publish(30));
    await Promise.resolve();
    link.send(PUBACK);
    link.send(UNSUBSCRIBE);
    expect(stub.sent).toHaveLength(1);
    await settled();
    expect(stub.sent.slice(1)).toEqual([frame(0, publish(30), PUBACK, UNSUBSCRIBE)]);
  });

  it("the answer to one packet alone goes at the end of its event, that to several a turn later", async () => {
    const { stub, link } = setUp();
    link.send(publish(20));
    await settled();
    stub.emit("message", frame(0, PUBACK));
    link.send(publish(21));
    await Promise.resolve();
    expect(stub.sent.slice(1)).toEqual([frame(0, publish(21))]);
    stub.emit("message", frame(0, PUBACK, PUBACK));
    link.send(publish(22));
    await Promise.resolve();
    expect(stub.sent).toHaveLength(2);
    await settled();
    expect(stub.sent.slice(2)).toEqual([frame(0, publish(22))]);
  });

  it("several of one event go at its end, fewer wait for what the next ones bring", async () => {
    const { stub, link } = setUp();
    link.send(publish(20));
    await settled();
    const four = [PUBACK, PUBACK, PUBACK, PUBACK];
    for (const packet of four) link.send(packet);
    await Promise.resolve();
    expect(stub.sent.slice(1)).toEqual([frame(0, ...four)]);
    for (const packet of four.slice(1)) link.send(packet);
    await Promise.resolve();
    expect(stub.sent).toHaveLength(2);
    await settled();
    expect(stub.sent.slice(2)).toEqual([frame(0, ...four.slice(1))]);
  });

  it("while no timer is due, what events make ready goes once it is much", async () => {
    const { stub, link } = setUp();
    const [part, parts] = [8 * 1_024, 8];
    for (let i = 0; i < 2; i++) {
      link.send(publish(20));
      await Promise.resolve(); // The first is alone; the second begins to wait.
    }
    for (let i = 0; i < parts; i++) {
      link.send(publish(part, i));
      await Promise.resolve();
    }
    expect(packetsIn(stub.sent)).toHaveLength(2 + parts);
    expect(stub.sent.length).toBeLessThan(2 + parts / 2);
    expect(link.pendingBytes).toBe(0);
  });

  it("packets, control frames and heartbeats of the shard reach the connection", () => {
    const { stub, heard } = setUp();
    stub.emit("message", frame(0, PUBACK, UNSUBSCRIBE));
    stub.emit("message", frame(10));
    stub.emit("message", HEARTBEAT);
    stub.emit("message", JSON.stringify({ v: 1, type: "principal", username: "u", revision: 3 }));
    expect(heard.packets).toEqual([Uint8Array.from([...PUBACK, ...UNSUBSCRIBE])]);
    expect(heard.control).toEqual([{ v: 1, type: "principal", username: "u", revision: 3 }]);
    expect(heard.errors).toEqual([]);
  });

  it.each([
    ["of an unknown version", Uint8Array.of(9, 0, 0, 0, 0)],
    ["that is cut", Uint8Array.of(LINK_VERSION, 0)],
    ["that is no JSON", "{"],
  ])("a frame %s is an error", (_what, data) => {
    const { stub, heard } = setUp();
    stub.emit("message", data);
    expect(heard.errors).toHaveLength(1);
    expect(heard.packets).toEqual([]);
  });
});

describe("the window to the shard", () => {
  it("a PUBLISH waits without credit, and may overdraw the last of it", async () => {
    const { stub, link } = setUp();
    link.send(publish(window - 1));
    link.send(publish(1_000));
    link.send(publish(30));
    await settled();
    expect(packetsIn(stub.sent)).toHaveLength(2);
    expect(link.pendingBytes).toBe(30);
    stub.emit("message", frame(999));
    await settled();
    expect(packetsIn(stub.sent)).toHaveLength(2); // Still one byte below zero, or at it.
    stub.emit("message", frame(2));
    await settled();
    expect(packetsIn(stub.sent)).toHaveLength(3);
    expect(link.pendingBytes).toBe(0);
  });

  it("acknowledgements need no credit and overtake; what must not overtake waits behind", async () => {
    const { stub, link } = setUp();
    link.send(publish(window));
    link.send(publish(40, 7));
    link.send(UNSUBSCRIBE);
    link.send(PUBACK);
    await settled();
    expect(packetsIn(stub.sent).map((packet) => (packet[0] ?? 0) >> 4)).toEqual([3, 4]);
    stub.emit("message", frame(window));
    await settled();
    expect(packetsIn(stub.sent).slice(2)).toEqual([publish(40, 7), UNSUBSCRIBE]);
  });

  it("what waits does not keep the frame that it came in", async () => {
    const { stub, link } = setUp();
    link.send(publish(window));
    const inFrame = Uint8Array.from([...publish(40, 1), ...publish(40, 2)]);
    const first = inFrame.subarray(0, inFrame.length / 2);
    link.send(first);
    inFrame.fill(0);
    stub.emit("message", frame(window));
    await settled();
    expect(packetsIn(stub.sent)[1]).toEqual(publish(40, 1));
  });

  it("whatever credit comes when, every packet is sent once, publishes in order, and no window is overrun", async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("publish" as const), bytes: fc.integer({ min: 20, max: window }) }),
      fc.record({ type: fc.constant("credit" as const), bytes: fc.integer({ min: 1, max: window }) }),
      fc.record({ type: fc.constant("turn" as const) }),
    );
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { stub, link } = setUp();
      let given = window;
      let number = 0;
      const overdraft = () => {
        const packets = packetsIn(stub.sent);
        const last = packets.at(-1)?.length ?? 0;
        return packets.reduce((sum, packet) => sum + packet.length, 0) - last < given;
      };
      for (const each of steps) {
        if (each.type === "publish") link.send(publish(each.bytes, ++number % 256));
        else if (each.type === "turn") await settled();
        else {
          const used = packetsIn(stub.sent).reduce((sum, packet) => sum + packet.length, 0);
          const credit = Math.min(each.bytes, Math.max(0, used - (given - window))); // A shard returns what it got.
          given += credit;
          stub.emit("message", frame(credit));
        }
        await settled();
        expect(packetsIn(stub.sent).length === 0 || overdraft()).toBe(true);
      }
      link.close(linkClose.deviceGone, "");
      const marks = packetsIn(stub.sent).map((packet) => packet.at(-1));
      expect(marks).toEqual(Array.from({ length: number }, (_, i) => (i + 1) % 256));
    });
    await fc.assert(property, { seed: 20_261_123, numRuns: 25 });
  });
});

describe("the window to the edge", () => {
  it("is returned at half use, whether or not a timer is due", async () => {
    const { stub, link } = setUp();
    link.confirm(window / 2 - 1);
    await settled();
    expect(stub.sent).toEqual([]);
    link.confirm(1);
    expect(stub.sent).toEqual([frame(window / 2)]); // At once: no timer may be due for long.
    await settled();
    expect(stub.sent).toHaveLength(1);
  });

  it("is returned with data that travels anyway, once", async () => {
    const { stub, link } = setUp();
    link.confirm(100);
    link.send(PUBACK);
    await settled();
    link.send(PUBACK);
    await settled();
    expect(stub.sent.map(creditOf)).toEqual([100, 0]);
  });
});

describe("ends", () => {
  it("a beat that was not answered is told at the next", () => {
    const { stub, link } = setUp();
    expect(link.beat()).toBe(true);
    stub.emit("message", HEARTBEAT);
    expect(link.beat()).toBe(true);
    expect(link.beat()).toBe(false);
    expect(stub.sent).toEqual([HEARTBEAT, HEARTBEAT, HEARTBEAT]);
  });

  it("closing sends what waits, with or without credit, before the close", () => {
    const { stub, link, heard } = setUp();
    link.send(publish(window));
    link.send(publish(50));
    link.close(linkClose.deviceGone, "");
    expect(packetsIn(stub.sent)).toHaveLength(2);
    expect(stub.closedWith).toBe(linkClose.deviceGone);
    stub.emit("close");
    expect(heard.lost).toBe(0);
  });

  it.each(["close", "error"] as const)("%s of the shard is a loss, told once", (event) => {
    const { stub, heard } = setUp();
    stub.emit(event);
    stub.emit("close");
    stub.emit("message", frame(0, PUBACK));
    expect([heard.lost, heard.packets.length]).toEqual([1, 0]);
  });

  it("a socket that takes nothing is a loss", async () => {
    const { stub, link, heard } = setUp();
    stub.broken = true;
    link.send(PUBACK);
    await settled();
    expect(heard.lost).toBe(1);
  });

  it("a link that was never listened to is accepted to be closed", () => {
    const stub = new SocketStub();
    new EdgeLink(stub).close(linkClose.deviceGone, "");
    expect([stub.accepted, stub.closedWith]).toEqual([true, linkClose.deviceGone]);
  });
});
