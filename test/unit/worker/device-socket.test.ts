// What a device is sent within the size that it takes, and when one that does not read is given up.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { reasonCodes } from "../../../src/broker/mqtt/reason-codes.ts";
import { writeDisconnect } from "../../../src/broker/mqtt/server-packets.ts";
import { DeviceSocket, disconnectReasonOf } from "../../../src/worker/mqtt-connection/device-socket.ts";
import { SocketStub } from "./socket-stub.ts";

function setUp(version: 3 | 4 | 5 = 5, packetBytesMax: number | null = null) {
  const stub = new SocketStub();
  let gone = 0;
  const device = new DeviceSocket(stub.asWebSocket, () => (gone += 1));
  device.learn(version, packetBytesMax);
  return { stub, device, gone: () => gone };
}

const refusal = { sessionPresent: false, reasonCode: reasonCodes.notAuthorized, reasonString: "a long reason" };
const { outboundBufferedBytes: many, outboundBufferedBytesHard: tooMany, outboundStalledMs: long } = limits;

describe("the size of packets", () => {
  it("[MQTT-3.2.2-19] a reason that makes CONNACK too large is left out", () => {
    const whole = setUp();
    whole.device.connack(refusal);
    const bytes = whole.stub.sent[0]?.length ?? 0;
    expect(bytes).toBeGreaterThan(15);
    const tight = setUp(5, bytes - 1);
    expect(tight.device.connack(refusal)).toBe(true);
    expect([...(tight.stub.sent[0] ?? [])]).toEqual([0x20, 3, 0, reasonCodes.notAuthorized, 0]);
  });

  it("[MQTT-3.1.2-24] a CONNACK that is too large even so is not sent", () => {
    const { stub, device } = setUp(5, 4);
    expect(device.connack(refusal)).toBe(false);
    expect(stub.sent).toEqual([]);
  });

  it("[MQTT-3.14.2-3] a reason that makes DISCONNECT too large is left out, its code is not", () => {
    const { stub, device } = setUp(5, 10);
    device.disconnect(reasonCodes.keepAliveTimeout, "a reason of some length");
    expect(stub.sent).toEqual([Uint8Array.of(0xe0, 1, reasonCodes.keepAliveTimeout)]);
  });

  it("before 5.0 there is no DISCONNECT from a server", () => {
    const { stub, device } = setUp(4);
    device.disconnect(reasonCodes.keepAliveTimeout, "x");
    device.passDisconnect(writeDisconnect(reasonCodes.sessionTakenOver, 5, "x"));
    expect(stub.sent).toEqual([]);
  });

  it("the reason of a DISCONNECT is read with and without properties", () => {
    expect(disconnectReasonOf(writeDisconnect(reasonCodes.serverShuttingDown, 5))).toBe(0x8b);
    expect(disconnectReasonOf(writeDisconnect(reasonCodes.serverShuttingDown, 5, "x".repeat(200)))).toBe(0x8b);
    expect(disconnectReasonOf(Uint8Array.of(0xe0, 0))).toBe(0);
  });
});

describe("a device that does not read", () => {
  it("is slow above the bound, and given up after the time", () => {
    const { device } = setUp();
    expect(device.taking(many, 0)).toBe("well");
    expect(device.taking(many + 1, 10)).toBe("slowly");
    expect(device.taking(many + 1, 10 + long)).toBe("slowly");
    expect(device.taking(many + 1, 11 + long)).toBe("not");
  });

  it("has the whole time again when it has read", () => {
    const { device } = setUp();
    device.taking(many + 1, 0);
    expect(device.taking(many, long)).toBe("well");
    expect(device.taking(many + 1, long + 1)).toBe("slowly");
    expect(device.taking(many + 1, long + 2)).toBe("slowly");
  });

  it("is slow sooner, and given up sooner, while memory is scarce", () => {
    const { outboundBufferedBytesScarce: less, outboundStalledMsScarce: shorter } = limits;
    const { device } = setUp();
    expect(device.taking(less, 0, true)).toBe("well");
    expect(device.taking(less + 1, 10, true)).toBe("slowly");
    expect(device.taking(less + 1, 10 + shorter, true)).toBe("slowly");
    expect(device.taking(less + 1, 11 + shorter, false)).toBe("well");
    device.taking(less + 1, 12 + shorter, true);
    expect(device.taking(less + 1, 13 + 2 * shorter, true)).toBe("not");
  });

  it("is given up at once above the hard bound", () => {
    const { device } = setUp();
    expect(device.taking(tooMany, 0)).toBe("slowly");
    expect(device.taking(tooMany + 1, 0)).toBe("not");
  });

  it("[MQTT-3.12.4-1] gets one PINGRESP when it reads again, however often it asked", () => {
    const { stub, device } = setUp();
    device.taking(many + 1, 0);
    for (let i = 0; i < 1_000; i++) device.pong();
    expect(stub.sent).toEqual([]);
    device.taking(0, 1);
    device.taking(0, 2);
    expect(stub.sent).toEqual([Uint8Array.of(0xd0, 0)]);
  });
});

it("one that asks out of measure gets the answers of a thousand PINGREQs and then one, until it is looked at", () => {
  const { stub, device } = setUp();
  for (let i = 0; i < 5_000; i++) device.pong();
  expect(stub.sent.length).toBe(limits.pongsAtOnce);
  device.taking(0, 1);
  device.taking(0, 2);
  expect(stub.sent.length).toBe(limits.pongsAtOnce + 1);
});

it("a socket that is gone is told, and closing it again is no error", () => {
  const { stub, device, gone } = setUp();
  stub.broken = true;
  device.send(Uint8Array.of(0xd0, 0));
  expect(gone()).toBe(1);
  device.close(1006);
  expect(stub.closedWith).toBeNull();
});
