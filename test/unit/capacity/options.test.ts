import { describe, expect, it } from "vitest";
import type { CapacityOptions } from "../../../scripts/capacity/options.ts";
import { capacityHelp, readCapacityOptions } from "../../../scripts/capacity/options.ts";
import { optionsOf } from "./options-of.ts";

describe("options of the capacity model", () => {
  it("reads what is given and takes the defaults for the rest", () => {
    const given = "--devices 2000 --keep-alive 30 --publish-per-minute 0.5 --fan-out 2.5 --qos 2 --topic-shards 3";
    const expected: Partial<CapacityOptions> = {
      devices: 2_000,
      keepAliveSeconds: 30,
      publishPerMinute: 0.5,
      fanOut: 2.5,
      qos: 2,
      topicShards: 3,
      sessionShards: null,
      payloadBytes: 64,
      persistentShare: 0,
      hoursOnline: 24,
      cleanStart: false,
      simulate: true,
      json: false,
    };
    expect(optionsOf(given)).toMatchObject(expected);
    expect(optionsOf("--clean-start --no-simulation --json")).toMatchObject({
      devices: 1_000_000,
      qos: 1,
      cleanStart: true,
      simulate: false,
      json: true,
    });
  });

  it.each([
    ["--devices 0", '--devices must be a whole number from 1 to 7,500,000, not "0"'],
    ["--devices 1e6", '--devices must be a whole number from 1 to 7,500,000, not "1e6"'],
    ["--devices 1.5", '--devices must be a whole number from 1 to 7,500,000, not "1.5"'],
    ["--devices 8000000", '--devices must be a whole number from 1 to 7,500,000, not "8000000"'],
    ["--devices=-5", '--devices must be a whole number from 1 to 7,500,000, not "-5"'],
    ["--qos 3", '--qos must be a whole number from 0 to 2, not "3"'],
    ["--publish-per-minute often", '--publish-per-minute must be a number from 0 to 60,000, not "often"'],
    ["--persistent-share 1.1", '--persistent-share must be a number from 0 to 1, not "1.1"'],
    ["--hours-online 25", '--hours-online must be a number from 0.1 to 24, not "25"'],
    ["--session-shards 0", '--session-shards must be a whole number from 1 to 1,024, not "0"'],
    ["--persistent-share 0.6 --late-share 0.6", "--persistent-share and --late-share together must be 1 at most"],
    ["--late-share 0.1 --qos 0", "--late-share is of QoS 1 alone: give --qos 1"],
    ["--back-off-seconds 200", "--back-off-seconds must be --back-off-max-seconds at most"],
    ["--device 5", "Unknown option '--device' (--help lists the options)"],
    ["--devices", "Option '--devices <value>' argument missing (--help lists the options)"],
    ["--json=1", "Option '--json' does not take an argument (--help lists the options)"],
    ["5", "Unexpected argument '5' (--help lists the options)"],
  ])("refuses %j in one line", (given, message) => {
    expect(() => optionsOf(given)).toThrow(new Error(message));
  });

  it("refuses messages for sessions that nobody keeps", () => {
    expect(() => optionsOf("--persistent-share 0.1 --clean-start")).toThrow(/^--persistent-share wants sessions/);
  });

  it("knows each option that its help names", () => {
    const names = [...capacityHelp.matchAll(/^ {2}--([a-z-]+)( N)?/gm)];
    expect(names.length).toBeGreaterThan(20);
    for (const [, name, number] of names) {
      const option = `--${name}`;
      expect(() => readCapacityOptions(number === undefined ? [option] : [option, "1"]), option).not.toThrow();
    }
    expect(readCapacityOptions(["--help"])).toBe("help");
  });
});
