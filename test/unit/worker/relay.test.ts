// A connected device that sends more than its shard takes: what is dropped and told, and where it ends.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import type { DeploymentId } from "../../../src/contracts/deployment-id.ts";
import { HEARTBEAT, linkClose } from "../../../src/contracts/link.ts";
import { DeviceSocket } from "../../../src/worker/mqtt-connection/device-socket.ts";
import { EdgeLink } from "../../../src/worker/mqtt-connection/edge-link.ts";
import { Relay } from "../../../src/worker/mqtt-connection/relay.ts";
import { config, connect } from "./connecting.ts";
import { frame, packetsIn, PUBACK, publish } from "./link-frames.ts";
import { SocketStub } from "./socket-stub.ts";

const BYTES = 64 * 1_024;
/** Of that size, the first to find more than the bound waiting is dropped. */
const TAKEN = limits.inboundPendingBytes / BYTES + 1;
const tooMuch = expect.objectContaining({ reasonCode: reasonCodes.quotaExceeded });

function setUp() {
  const [deviceStub, stub] = [new SocketStub(), new SocketStub()];
  const device = new DeviceSocket(deviceStub.asWebSocket, () => undefined);
  const deploymentId = "d" as DeploymentId;
  const ended: number[] = [];
  const relay = new Relay(
    {
      device,
      link: new EdgeLink(stub),
      connect: connect(),
      deploymentId,
      config: config(),
      username: "user",
      awaitingRelease: [],
    },
    {
      watch: () => undefined,
      beginExchange: () => {
        throw new Error("no exchange was asked for");
      },
      admitProven: () => Promise.reject(new Error("nobody was proven")),
      end: (reasonCode) => ended.push(reasonCode),
      close: () => undefined,
      onError: (error) => {
        throw error;
      },
    },
  );
  const flood = (messages: number) => {
    for (let i = 0; i < messages; i++) relay.onPacket(publish(BYTES, i, 0));
  };
  /** The shard confirms all that it was sent, until nothing waits. */
  const drain = async () => {
    await vi.runAllTimersAsync();
    while (relay.pendingBytes > 0) {
      stub.emit("message", frame(limits.linkWindowBytes));
      await vi.runAllTimersAsync();
    }
  };
  const told = () => stub.sent.filter((each) => typeof each === "string");
  return { relay, stub, ended, flood, drain, told };
}

const dropped = (messages: number) => `{"v":1,"type":"dropped","messages":${messages}}`;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("QoS 0 that comes faster than the shard takes it", () => {
  it("is dropped past the bound, and the shard is told once it is over, in one frame", async () => {
    const { relay, stub, flood, drain, told } = setUp();
    flood(TAKEN + 23);
    relay.look();
    await vi.runAllTimersAsync();
    relay.look();
    expect(relay.pendingBytes).toBeGreaterThan(limits.inboundPendingBytes / 2);
    expect(packetsIn(stub.sent).length + relay.pendingBytes / BYTES).toBe(TAKEN);
    await drain();
    expect(packetsIn(stub.sent)).toHaveLength(TAKEN);
    relay.look();
    relay.look();
    expect(told()).toEqual([dropped(23)]);
    flood(TAKEN + 2);
    await drain();
    relay.look();
    expect(told()).toEqual([dropped(23), dropped(2)]);
  });

  it("is told with the next beat while it goes on", () => {
    const { relay, flood, told } = setUp();
    flood(TAKEN + 1);
    relay.look();
    expect(told()).toEqual([]);
    relay.beat();
    flood(1);
    expect(told()).toEqual([dropped(1), HEARTBEAT]);
  });

  it("is told before the link closes", () => {
    const { relay, stub, flood, told } = setUp();
    flood(TAKEN + 4);
    relay.close(linkClose.deviceGone);
    expect([told(), stub.closedWith]).toEqual([[dropped(4)], linkClose.deviceGone]);
  });

  it("nothing is told where nothing was dropped", async () => {
    const { relay, stub, flood, drain, told } = setUp();
    flood(TAKEN);
    await drain();
    relay.look();
    relay.beat();
    stub.emit("message", HEARTBEAT);
    relay.close(linkClose.deviceGone);
    expect(told()).toEqual([HEARTBEAT]);
  });
});

describe("what may not be dropped", () => {
  it("QoS 1 passes that bound, and past the hard one the device is ended with 0x97", () => {
    const { relay } = setUp();
    const message = publish(BYTES);
    for (let i = 0; i < limits.inboundPendingBytesHard / BYTES; i++) relay.onPacket(message);
    expect(relay.pendingBytes).toBe(limits.inboundPendingBytesHard);
    expect(() => relay.onPacket(message)).toThrow(tooMuch);
  });

  it("small packets are bounded by their number: as many may wait, and one more is 0x97", () => {
    const { relay } = setUp();
    for (let i = 0; i < limits.inboundPendingPackets; i++) relay.onPacket(PUBACK);
    expect(relay.pendingBytes).toBeLessThan(limits.inboundPendingBytes);
    expect(() => relay.onPacket(PUBACK)).toThrow(tooMuch);
  });

  it("neither bound is met by packets that the shard was sent", async () => {
    const { relay, ended } = setUp();
    for (let i = 0; i < limits.inboundPendingPackets; i++) relay.onPacket(PUBACK);
    await vi.runAllTimersAsync();
    for (let i = 0; i < limits.inboundPendingPackets; i++) relay.onPacket(PUBACK);
    expect(ended).toEqual([]);
  });
});

it("a beat that the shard did not answer ends the device with 0x8B", () => {
  const { relay, stub, ended } = setUp();
  relay.beat();
  stub.emit("message", HEARTBEAT);
  relay.beat();
  expect(ended).toEqual([]);
  relay.beat();
  expect(ended).toEqual([reasonCodes.serverShuttingDown]);
});
