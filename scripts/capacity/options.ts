// The options of the capacity model: the command line, then the defaults. What is given is checked here, so that all
// behind it may rely on it.

import { parseArgs } from "node:util";
import { SLOTS } from "../../src/broker/topics/slots.ts";

export interface CapacityOptions {
  /** All of them may be connected at once. */
  devices: number;
  /** Seconds; 0: the devices send no PINGREQ. */
  keepAliveSeconds: number;
  /** Of each device. */
  publishPerMinute: number;
  /** Sessions that get a message, on average. */
  fanOut: number;
  qos: 0 | 1 | 2;
  payloadBytes: number;
  /** Share of the deliveries that go to sessions whose clients are away. */
  persistentShare: number;
  /** Share of the deliveries whose acknowledgement comes after the deadline, so that they are written. */
  lateShare: number;
  /** A day, spread evenly over it. */
  hoursOnline: number;
  /** Of each device, for what reason ever but deploys: its network, its sleep, restarts of the platform. */
  reconnectsPerDay: number;
  deploysPerMonth: number;
  /** Sessions end with their connections, so each connect subscribes anew. */
  cleanStart: boolean;
  /** Share of the connects for which the edge must ask the Deployment object who the user is. */
  lookupShare: number;
  /** Null: as many as are needed. */
  sessionShards: number | null;
  /** Null: as many as session shards. */
  topicShards: number | null;
  /** The streams that an object sends are closed together when they are looked at and none was used for this long. */
  streamIdleMs: number;
  /** Share of what a shard can do that it is planned to do. */
  utilisation: number;
  /** Rule actions for each message published, which the peers bill and Fulmar does not have. */
  ruleActions: number;
  /** First and longest wait of a device that was lost; doubling between them. */
  backOffSeconds: number;
  backOffSecondsMax: number;
  /** Over which devices that connect for the first time are spread. */
  rampSeconds: number;
  seed: number;
  simulate: boolean;
  json: boolean;
}

interface NumberOption {
  value: number;
  from: number;
  to: number;
  whole?: true;
  what: string;
}

/** More than 1,024 slots can hold, each in a shard of its own, with what chance adds (shards.ts). */
const DEVICES_MAX = 7_500_000;

const NUMBERS = {
  devices: { value: 1_000_000, from: 1, to: DEVICES_MAX, whole: true, what: "devices, all connected at once" },
  "keep-alive": { value: 60, from: 0, to: 65_535, whole: true, what: "seconds between PINGREQs; 0: none" },
  "publish-per-minute": { value: 1, from: 0, to: 60_000, what: "messages that each device publishes" },
  "fan-out": { value: 1, from: 0, to: 10_000, what: "sessions that get a message" },
  qos: { value: 1, from: 0, to: 2, whole: true, what: "0, 1 or 2" },
  "payload-bytes": { value: 64, from: 0, to: 1_048_576, whole: true, what: "of a message" },
  "persistent-share": { value: 0, from: 0, to: 1, what: "share of the deliveries to sessions that are away" },
  "late-share": { value: 0, from: 0, to: 1, what: "share acknowledged too late, and written" },
  "hours-online": { value: 24, from: 0.1, to: 24, what: "hours a day that a device is connected" },
  "reconnects-per-day": { value: 1, from: 0, to: 1_440, what: "of each device, beside deploys" },
  "deploys-per-month": { value: 8, from: 0, to: 10_000, what: "each ends all connections" },
  "lookup-share": { value: 1, from: 0, to: 1, what: "connects whose user the edge does not know" },
  "stream-idle-ms": { value: 100, from: 1, to: 600_000, what: "of silence, after which an object's streams close" },
  utilisation: { value: 0.5, from: 0.01, to: 1, what: "of a shard, planned" },
  "rule-actions": { value: 0, from: 0, to: 100, what: "a message, as peers bill them" },
  "back-off-seconds": { value: 1, from: 0.1, to: 3_600, what: "first wait of a lost device" },
  "back-off-max-seconds": { value: 120, from: 0.1, to: 3_600, what: "longest wait" },
  "ramp-seconds": { value: 600, from: 1, to: 3_600, what: "over which devices first connect" },
  seed: { value: 1, from: 0, to: 0xffff_ffff, whole: true, what: "of the simulation" },
} as const satisfies Record<string, NumberOption>;

const SHARDS = { from: 1, to: SLOTS, whole: true } as const;

const FLAGS = { type: "boolean", default: false } as const;

type NumberName = keyof typeof NUMBERS;

export const capacityHelp = `Usage: npm run capacity -- [options]

${Object.entries(NUMBERS).map(helpLine).join("\n")}
  --session-shards N         shards; left out, as many as are needed
  --topic-shards N           left out, as many as session shards
  --clean-start              sessions end with their connections
  --no-simulation            the model alone
  --json                     all figures as JSON
  --help                     this text`;

/** Reads the arguments; "help" if that was asked for. Throws an error of one line. */
export function readCapacityOptions(args: string[]): CapacityOptions | "help" {
  const values = parsed(args);
  if (values["help"] === true) return "help";
  const number = (name: NumberName) => numberOf(name, values[name], NUMBERS[name]) ?? NUMBERS[name].value;
  const options: CapacityOptions = {
    devices: number("devices"),
    keepAliveSeconds: number("keep-alive"),
    publishPerMinute: number("publish-per-minute"),
    fanOut: number("fan-out"),
    qos: qosOf(number("qos")),
    payloadBytes: number("payload-bytes"),
    persistentShare: number("persistent-share"),
    lateShare: number("late-share"),
    hoursOnline: number("hours-online"),
    reconnectsPerDay: number("reconnects-per-day"),
    deploysPerMonth: number("deploys-per-month"),
    cleanStart: values["clean-start"] === true,
    lookupShare: number("lookup-share"),
    sessionShards: numberOf("session-shards", values["session-shards"], SHARDS),
    topicShards: numberOf("topic-shards", values["topic-shards"], SHARDS),
    streamIdleMs: number("stream-idle-ms"),
    utilisation: number("utilisation"),
    ruleActions: number("rule-actions"),
    backOffSeconds: number("back-off-seconds"),
    backOffSecondsMax: number("back-off-max-seconds"),
    rampSeconds: number("ramp-seconds"),
    seed: number("seed"),
    simulate: values["no-simulation"] !== true,
    json: values["json"] === true,
  };
  if (options.persistentShare + options.lateShare > 1) {
    throw new Error("--persistent-share and --late-share together must be 1 at most");
  }
  if (options.persistentShare > 0 && options.cleanStart) {
    throw new Error("--persistent-share wants sessions that outlive their connections: leave --clean-start out");
  }
  if (options.lateShare > 0 && options.qos !== 1) throw new Error("--late-share is of QoS 1 alone: give --qos 1");
  if (options.backOffSeconds > options.backOffSecondsMax) {
    throw new Error("--back-off-seconds must be --back-off-max-seconds at most");
  }
  return options;
}

function parsed(args: string[]): Record<string, string | boolean | undefined> {
  const texts = [...Object.keys(NUMBERS), "session-shards", "topic-shards"].map(
    (name) => [name, { type: "string" }] as const,
  );
  const flags = ["clean-start", "no-simulation", "json", "help"].map((name) => [name, FLAGS] as const);
  try {
    const options = Object.fromEntries([...texts, ...flags]);
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values as Record<string, string>;
  } catch (error) {
    const [first] = (error as Error).message.split(/\.\s|\n/, 1);
    throw new Error(`${first} (--help lists the options)`, { cause: error });
  }
}

/** Null: it was not given. */
function numberOf(
  name: string,
  text: string | boolean | undefined,
  { from, to, whole }: { from: number; to: number; whole?: true },
): number | null {
  if (typeof text !== "string") return null;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to && (whole !== true || Number.isInteger(value))) return value;
  const kind = whole === true ? "a whole number" : "a number";
  throw new Error(`--${name} must be ${kind} from ${count(from)} to ${count(to)}, not "${text}"`);
}

function qosOf(value: number): 0 | 1 | 2 {
  return value === 0 ? 0 : value === 1 ? 1 : 2;
}

function helpLine([name, { value, what }]: [string, NumberOption]): string {
  return `  ${`--${name} N`.padEnd(26)} ${what} (${count(value)})`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
