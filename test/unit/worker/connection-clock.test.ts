// A connection's deadlines, with the time passed in.

import { describe, expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { ConnectionClock } from "../../../src/worker/mqtt-connection/connection-clock.ts";

const START = 1_000_000;
const { connectTimeoutMs, heartbeatMs } = limits;

function connected(keepAliveSeconds: number): ConnectionClock {
  const clock = new ConnectionClock(START);
  clock.connected(keepAliveSeconds, START);
  return clock;
}

describe("ConnectionClock", () => {
  it("demands CONNECT in time, and only once", () => {
    const clock = new ConnectionClock(START);
    expect(clock.next()).toBe(START + connectTimeoutMs);
    expect(clock.due(START + connectTimeoutMs - 1)).toBeNull();
    expect(clock.due(START + connectTimeoutMs)).toBe("connect");
    expect(clock.due(START + connectTimeoutMs)).toBeNull();
  });

  it("bytes that are no CONNECT do not buy time", () => {
    const clock = new ConnectionClock(START);
    clock.heard(START + connectTimeoutMs - 1);
    expect(clock.due(START + connectTimeoutMs)).toBe("connect");
  });

  it("[MQTT-3.1.2-22] ends a device after one and a half keep alives of silence, counted from what it last sent", () => {
    const clock = connected(10);
    expect(clock.due(START + 14_999)).toBeNull();
    clock.heard(START + 14_999);
    expect(clock.next()).toBe(START + 29_999);
    expect(clock.due(START + 29_998)).toBeNull();
    expect(clock.due(START + 29_999)).toBe("keepAlive");
  });

  it("[MQTT-3.1.2-22] keep alive 0 ends nobody", () => {
    const clock = connected(0);
    const hour = START + 3_600_000;
    expect(clock.due(hour)).toBe("beat");
    expect(clock.due(hour)).toBeNull();
  });

  it("the link's heart beats whatever the device does", () => {
    const clock = connected(0);
    clock.heard(START + heartbeatMs - 1);
    expect(clock.next()).toBe(START + heartbeatMs);
    expect(clock.due(START + heartbeatMs)).toBe("beat");
    expect(clock.next()).toBe(START + 2 * heartbeatMs);
  });

  it("a look comes at the earliest time that was asked for, once", () => {
    const clock = connected(0);
    clock.lookAt(START + 500);
    clock.lookAt(START + 100);
    clock.lookAt(START + 900);
    expect(clock.next()).toBe(START + 100);
    expect(clock.due(START + 100)).toBe("look");
    expect(clock.due(START + 900)).toBeNull();
  });

  it("what is due together comes one after the other", () => {
    const clock = connected(heartbeatMs / 1_500);
    clock.lookAt(START + heartbeatMs);
    const now = START + heartbeatMs;
    expect([clock.due(now), clock.due(now), clock.due(now), clock.due(now)]).toEqual([
      "keepAlive",
      "beat",
      "look",
      null,
    ]);
  });
});
