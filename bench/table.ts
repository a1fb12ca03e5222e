// Results as tables: a line a workload and broker, with the ratio of Fulmar to each peer, and what Fulmar counts.

import { CPU } from "./counts.ts";
import { misbehaviours, type Misbehaviour, type NeighbourResult } from "./neighbours.ts";
import { workloads } from "./workloads.ts";
import type { Result } from "./workloads/workload.ts";

type Results = Map<string, Map<string, Result | null>>;

/** `results` by workload and broker; null: it failed. The first of `brokers` is compared with the others. */
export function table(results: Results, brokers: string[]): string {
  const [own = ""] = brokers;
  const lines = [["workload", "loop", "broker", "a second", "p50 ms", "p99 ms", "lost", "CPU us", `${own} is`]];
  for (const [name, row] of results) {
    for (const broker of brokers) {
      const result = row.get(broker) ?? null;
      const [title, loop] = broker === own ? [workloads[name]?.title ?? name, workloads[name]?.loop ?? ""] : ["", ""];
      lines.push([title, loop, broker, ...cells(result), broker === own ? "" : ratio(row.get(own) ?? null, result)]);
    }
  }
  return format(lines, 3);
}

/** What the objects of `broker` did for each message delivered: rows, and frames that came in. */
export function countsTable(results: Results, broker: string): string {
  const names = ["session.rowsWritten", "topic.rowsWritten", "session.rowsRead", "topic.rowsRead"];
  const frames = ["session.frames", "topic.frames", "session.answers", "topic.answers"];
  const others = ["session.streams", "topic.streams", "timers"];
  const lines = [["for each message", ...names, ...frames, ...others]];
  for (const [name, row] of results) {
    const result = row.get(broker) ?? null;
    const each = (counter: string) => (result === null ? "" : perMessage(result, counter).toFixed(3));
    lines.push([name, ...names.map(each), ...frames.map(each), ...others.map(each)]);
  }
  return format(lines, 1);
}

/** What one more subscriber costs the others when it misbehaves, compared with the same when it behaves. */
export function neighbourTable(results: Record<string, NeighbourResult>): string {
  const lines = [["one subscriber of all topics", "a second beside it", "while it behaved", "ratio"]];
  for (const [kind, result] of Object.entries(results)) {
    const title = misbehaviours[kind as Misbehaviour];
    lines.push([title, count(result.misbehaving), count(result.behaving), result.ratio.toFixed(2)]);
  }
  return format(lines, 1);
}

/** A table in Markdown: columns of one width, those from `right` on aligned to the right. */
export function format(lines: string[][], right: number): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const padded = (line: string[]) =>
    line.map((cell, i) => (i < right ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  const rule = widths.map((width, i) => (i < right ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [head = [], ...rest] = lines.map(padded);
  return [head, rule, ...rest].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function perMessage({ counts, counted }: Result, name: string): number {
  return (counts[name] ?? 0) / counted;
}

function cells(result: Result | null): string[] {
  if (result === null) return ["failed", "", "", "", ""];
  const { perSecond, p50, p99, lost } = result;
  const cpu = result.counts[CPU] === undefined ? "" : perMessage(result, CPU).toFixed(1);
  return [count(perSecond), p50.toFixed(2), p99.toFixed(2), String(lost), cpu];
}

function ratio(own: Result | null, peer: Result | null): string {
  return own === null || peer === null ? "" : `${(own.perSecond / peer.perSecond).toFixed(2)} x`;
}
