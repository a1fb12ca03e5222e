import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { capacityHelp } from "../../../scripts/capacity/options.ts";
import type { Capacity } from "../../../scripts/capacity/report.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["scripts/capacity.ts", ...args], { cwd: root, encoding: "utf8" });
}

describe("npm run capacity", { timeout: 30_000 }, () => {
  it("prints shards, the bill, peers, storms and what all that rests on", () => {
    const { status, stdout, stderr } = run("--devices", "20000", "--ramp-seconds", "10");
    expect([status, stderr]).toEqual([0, ""]);
    for (const part of [
      /^20,000 devices, 30 days, list prices of /,
      /^\| session shards \| +3 \|/m,
      /^\| total +\| +\| +\| +\$\d+/m,
      /^\| EMQX Serverless \| session minutes \$1,726/m,
      /^\| a deploy, each device has a user of its own \| +20,000 \|/m,
      /Every device is back, and no queue is left\./,
      /^Assumptions$/m,
    ]) {
      expect(stdout).toMatch(part);
    }
  });

  it("gives the same figures as JSON", () => {
    const { status, stdout } = run("--devices", "20000", "--no-simulation", "--json");
    const { month, peers, simulation } = JSON.parse(stdout) as Capacity;
    expect([status, simulation]).toEqual([0, null]);
    expect(month.messages).toBe(20_000 * 43_200);
    expect(peers.map(({ name }) => name)).toEqual(["EMQX Serverless", "AWS IoT Core"]);
  });

  it("ends with 1 and one line if an option is wrong or nothing carries the load", () => {
    const wrong = run("--devices", "many");
    expect([wrong.status, wrong.stdout]).toEqual([1, ""]);
    expect(wrong.stderr).toBe('capacity: --devices must be a whole number from 1 to 7,500,000, not "many"\n');
    const tooMuch = run("--publish-per-minute", "60000");
    expect([tooMuch.status, tooMuch.stdout]).toEqual([1, ""]);
    expect(tooMuch.stderr).toMatch(/^capacity: 1024 shards of each kind, .*\n$/);
  });

  it("says in docs/capacity.md what each option is", () => {
    const page = readFileSync(`${root}/docs/capacity.md`, "utf8");
    const names = [...capacityHelp.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(page).toContain(`| \`${name}\``);
  });
});
