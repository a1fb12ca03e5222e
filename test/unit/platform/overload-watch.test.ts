import { expect, it } from "vitest";
import { limits } from "../../../src/broker/limits.ts";
import { OverloadWatch } from "../../../src/platform/overload-watch.ts";

function watched() {
  const told: string[] = [];
  const clock = { now: 1_000_000 };
  const watch = new OverloadWatch({ bounds: limits, tell: async (what) => void told.push(what), now: () => clock.now });
  const events = (perSecond: number, seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.now += 1_000;
      for (let i = 0; i < perSecond; i++) watch.event();
    }
  };
  return { watch, told, clock, events };
}

it("tells of events that are too many for a minute, and not of as many in a longer time", () => {
  const { told, events } = watched();
  events(limits.growEventsPerSecond - 50, 300);
  expect(told).toEqual([]);
  events(limits.growEventsPerSecond + 50, 150);
  expect(told).toEqual(["events"]);
});

it("tells of connections and of stored bytes past their bounds, once a minute", () => {
  const { watch, told, clock } = watched();
  watch.connections(limits.growConnections);
  watch.stored(limits.growStoredBytes);
  expect(told).toEqual([]);
  watch.connections(limits.growConnections + 1);
  watch.connections(limits.growConnections + 2);
  expect(told).toEqual(["connections"]);
  clock.now += 60_000;
  watch.stored(limits.growStoredBytes + 1);
  expect(told).toEqual(["connections", "stored_bytes"]);
});
