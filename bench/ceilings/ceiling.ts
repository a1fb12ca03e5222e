// One ceiling: the most that the service does in a closed loop, then twice as much in an open one, with what it holds
// before, at the most and after, what becomes of two clients beside it, and its lines in two tables.

import type { Fulmar } from "../brokers/fulmar.ts";
import type { Inspector } from "../inspector.ts";
import { held } from "../memory.ts";
import { count, format } from "../table.ts";
import { type Beside, Bystander } from "./bystander.ts";
import type { Flow, Flowed } from "./flow.ts";
import { droppedOf, type Vitals, vitalsOf } from "./vitals.ts";

export interface Service {
  fulmar: Fulmar;
  inspector: Inspector;
}

type Measured = Flowed & Vitals & { beside: Beside };

export interface Ceiling {
  name: string;
  /** Of each message. */
  copies: number;
  /** At half of the ceiling, at it, and past it. */
  half: Measured;
  at: Measured;
  past: Measured;
  /** Bytes in RAM and of the heap, garbage aside. */
  before: { resident: number; heap: number };
  after: { resident: number; heap: number };
}

/** Past it: so many times as much, for so many times as long. */
const OVERLOAD = 2;
const OVERLOAD_TIMES = 2;

export async function measureCeiling(
  { fulmar, inspector }: Service,
  name: string,
  flow: Flow,
  { copies, window, seconds }: { copies: number; window: number; seconds: number },
): Promise<Ceiling> {
  console.error(name);
  const before = await held(fulmar, inspector);
  const bystander = await Bystander.start(fulmar.target);
  const beside = async (run: () => Promise<Flowed>) => ({ ...(await run()), beside: await bystander.beside() });
  const at = await vitalsOf(fulmar, () => beside(() => flow.closed(window, seconds)));
  const half = await vitalsOf(fulmar, () => beside(() => flow.open(Math.max(1, at.arrived / 2), seconds)));
  const past = await vitalsOf(fulmar, () =>
    beside(() => flow.open(OVERLOAD * Math.max(1, at.arrived), OVERLOAD_TIMES * seconds)),
  );
  await bystander.leave();
  const after = await held(fulmar, inspector);
  return { name, copies, half, at, past, before, after };
}

export function ceilingTables(ceilings: readonly Ceiling[]): string {
  const at = [
    "at the ceiling",
    "messages/s",
    "copies/s",
    "p50 ms",
    "p99 ms",
    "cores",
    "beside it p50",
    "p99",
    "at half of it",
    "p99",
  ];
  const past = ["twice that, at a rate", "due/s", "held back", "arrived/s", "p50 ms", "p99 ms", "copies lost"];
  const answers = ["answers", "counted", "beside it p50", "p99", "RAM MiB before, most, after", "heap"];
  return [format([at, ...ceilings.map(atLine)], 1), format([[...past, ...answers], ...ceilings.map(pastLine)], 1)].join(
    "\n\n",
  );
}

function atLine({ name, copies, at, half }: Ceiling): string[] {
  const { p50, p99, cores, beside } = at;
  return [
    name,
    count(at.arrived),
    count(at.arrived * copies),
    ...[p50, p99].map(short),
    cores.toFixed(2),
    ...latencies(beside),
    ...latencies(half.beside),
  ];
}

function pastLine({ name, at, past, before, after }: Ceiling): string[] {
  const acknowledged = Object.entries(past.acknowledged).map(([code, times]) => `${code} ${count(times)}`);
  if (past.unanswered > 0) acknowledged.push(`none ${count(past.unanswered)}`);
  if (past.ended.length > 0) acknowledged.push(`ended with ${past.ended.join(", ")}`);
  return [
    name,
    count(past.due),
    `${(past.heldBack * 100).toFixed(0)} %`,
    count(past.arrived),
    ...[past.p50, past.p99].map(short),
    count(past.lost),
    acknowledged.join(", "),
    droppedOf(past),
    ...latencies(past.beside),
    mebibytes(before.resident, Math.max(at.peak, past.peak), after.resident),
    mebibytes(before.heap, after.heap),
  ];
}

function latencies({ p50, p99, missing }: Beside): string[] {
  return [short(p50), missing > 0 ? `${short(p99)}, ${missing} missing` : short(p99)];
}

function short(ms: number): string {
  return ms.toFixed(ms < 10 ? 1 : 0);
}

export function mebibytes(...bytes: number[]): string {
  return bytes.map((each) => (each / 2 ** 20).toFixed(0)).join(", ");
}
