import { describe, expect, it } from "vitest";
import { matches } from "../../../src/broker/topics/topic-match.ts";

describe("matching", () => {
  it.each([
    ["sport/tennis/#", "sport/tennis", true],
    ["sport/tennis/#", "sport/tennis/player/ranking", true],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/x", false],
    ["+/monitor", "$SYS/monitor", false],
    ["$SYS/#", "$SYS/x", true],
    ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
  ])("[MQTT-4.7.2-1] %j and %j: %j", (wanted, given, expected) => {
    expect(matches(wanted, given)).toBe(expected);
  });
});
