import { describe, expect, it } from "vitest";
import { parseTopicFilter } from "../../../src/broker/topics/topic-filter.ts";
import { parseTopicName } from "../../../src/broker/topics/topic-name.ts";

describe("topic names and filters", () => {
  it.each(["a", "/", "a/b/c", "/a", "a//b", "$SYS/x", "é", " "])("[MQTT-4.7.3-1] takes the name %j", (name) => {
    expect(parseTopicName(name)).toBe(name);
  });

  it.each(["", "a/+", "#", "a\0b", "x".repeat(4_097), "/".repeat(128)])(
    "[MQTT-4.7.1-1] refuses the name %j",
    (name) => {
      expect(parseTopicName(name)).toBeNull();
    },
  );

  it.each(["#", "+", "a/#", "+/+/#", "a/+/b", "/", "/+", "$SYS/#"])("takes the filter %j", (text) => {
    expect(parseTopicFilter(text)).toEqual({ filter: text, group: null, exclusive: false });
  });

  it.each([
    "",
    "a#",
    "#/a",
    "a/#/b",
    "a+",
    "+a/b",
    "a\0",
    "$share",
    "$share/",
    "$share/g",
    "$share/g/",
    "$share//a",
    "$share/+/a",
    "$share/g/a#",
    "$share/g/$share/h/a",
    "$share/g/$exclusive/a",
    "$exclusive/",
    "$exclusive/a#",
    "$exclusive/$share/g/a",
  ])("[MQTT-4.7.1-2] [MQTT-4.8.2-2] refuses the filter %j", (text) => {
    expect(parseTopicFilter(text)).toBeNull();
  });

  it("takes an exclusive filter apart", () => {
    expect(parseTopicFilter("$exclusive/a/+/#")).toEqual({ filter: "a/+/#", group: null, exclusive: true });
    expect(parseTopicFilter("$exclusive")).toEqual({ filter: "$exclusive", group: null, exclusive: false });
  });

  it("[MQTT-4.8.2-1] takes a shared filter apart", () => {
    expect(parseTopicFilter("$share/group/a/+/#")).toEqual({ filter: "a/+/#", group: "group", exclusive: false });
  });
});
