// Results as a table: a line a workload and broker, with the ratio of Fulmar to each peer.

import { misbehaviours, type Misbehaviour, type NeighbourResult } from "./neighbours.ts";
import type { Result } from "./workloads.ts";
import { workloads } from "./workloads.ts";

/** `results` by workload and broker; null: it failed. The first of `brokers` is compared with the others. */
export function table(results: Map<string, Map<string, Result | null>>, brokers: string[]): string {
  const [own = ""] = brokers;
  const lines = [["workload", "broker", "a second", "p50 ms", "p99 ms", "lost", `${own} is`]];
  for (const [name, row] of results) {
    for (const broker of brokers) {
      const result = row.get(broker) ?? null;
      const title = broker === own ? (workloads[name]?.title ?? name) : "";
      lines.push([title, broker, ...cells(result), broker === own ? "" : ratio(row.get(own) ?? null, result)]);
    }
  }
  return format(lines, 2);
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

/** Columns of one width, those from `right` on aligned to the right. */
function format(lines: string[][], right: number): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const padded = (line: string[]) =>
    line.map((cell, i) => (i < right ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  return lines.map((line) => `| ${padded(line).join(" | ")} |`).join("\n");
}

function count(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en");
}

function cells(result: Result | null): string[] {
  if (result === null) return ["failed", "", "", ""];
  const { perSecond, p50, p99, lost } = result;
  return [count(perSecond), p50.toFixed(2), p99.toFixed(2), String(lost)];
}

function ratio(own: Result | null, peer: Result | null): string {
  return own === null || peer === null ? "" : `${(own.perSecond / peer.perSecond).toFixed(2)} x`;
}
