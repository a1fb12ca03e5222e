// What a workload is given and what it tells.

import type { Target } from "../client.ts";

export interface Result {
  /** Messages delivered (or connections made) a second. */
  perSecond: number;
  /** Milliseconds from publish to delivery, unless the workload says otherwise. */
  p50: number;
  p99: number;
  /** Messages that were sent and never came. */
  lost: number;
  /** What the broker counted while this was measured, by name; empty: it does not count. */
  counts: Record<string, number>;
  /** Messages delivered while that was counted. */
  counted: number;
  /** The same of what is stored first, while it was taken. */
  taking?: Pick<Result, "counts" | "counted">;
}

export interface WorkloadOptions {
  seconds: number;
  /** How many times as many pairs, or messages of a fan-out under way, as on one machine without delay. */
  times: number;
}

export interface Workload {
  title: string;
  /** Closed: what arrives is followed by the next. Open: messages come at a rate, whatever becomes of them. */
  loop: "closed" | "open";
  run(target: Target, options: WorkloadOptions): Promise<Result>;
}
