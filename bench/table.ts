// Results as a table: a line a workload and broker, with the ratio of Fulmar to each peer.

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
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const format = (line: string[]) =>
    line.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  return lines.map((line) => `| ${format(line).join(" | ")} |`).join("\n");
}

function cells(result: Result | null): string[] {
  if (result === null) return ["failed", "", "", ""];
  const { perSecond, p50, p99, lost } = result;
  return [Math.round(perSecond).toLocaleString("en"), p50.toFixed(2), p99.toFixed(2), String(lost)];
}

function ratio(own: Result | null, peer: Result | null): string {
  return own === null || peer === null ? "" : `${(own.perSecond / peer.perSecond).toFixed(2)} x`;
}
