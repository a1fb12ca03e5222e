// What the system tells of a process, where there is a /proc: its CPU time and its memory.

import { readdir, readFile } from "node:fs/promises";

/** Of the clock that /proc counts CPU time in, on all that Linux runs on. */
const TICKS_PER_SECOND = 100;
const MICROSECONDS = 1_000_000;
const NANOSECONDS_PER_MS = 1_000_000;

interface Stat {
  name: string;
  parent: number;
  cpuMicroseconds: number;
}

/** The process of that name below `ancestor`; undefined: there is none, or no /proc. */
export async function descendant(ancestor: number, name: string): Promise<number | undefined> {
  const entries = await readdir("/proc").catch(() => []);
  const stats = new Map<number, Stat>();
  for (const pid of entries.map(Number).filter((number) => number > 0)) {
    const stat = await statOf(pid);
    if (stat !== null) stats.set(pid, stat);
  }
  for (const [pid, stat] of stats) {
    if (stat.name !== name) continue;
    for (let parent = stat.parent; parent > 0; parent = stats.get(parent)?.parent ?? 0) {
      if (parent === ancestor) return pid;
    }
  }
  return undefined;
}

/** CPU time that a process has used so far; null: that is not known here. */
export async function cpuMicroseconds(pid: number | undefined): Promise<number | null> {
  return pid === undefined ? null : ((await statOf(pid))?.cpuMicroseconds ?? null);
}

/** The same for what is shorter than a tick: milliseconds of all threads as the scheduler counts them. */
export async function cpuMilliseconds(pid: number | undefined): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lines = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0")),
  );
  return lines.reduce((sum, line) => sum + Number(line.split(" ", 1)[0]) / NANOSECONDS_PER_MS, 0);
}

/** Memory of a process that is in RAM, in bytes; null: that is not known here. */
export async function residentBytes(pid: number | undefined): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
}

async function statOf(pid: number): Promise<Stat | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // pid (name) state ppid ...: the name may hold anything, also brackets.
  const match = /^\d+ \((?<name>.*)\) (?<rest>.*)$/s.exec(line ?? "");
  if (match?.groups === undefined) return null;
  const fields = (match.groups["rest"] ?? "").split(" ").map(Number);
  const ticks = (fields[11] ?? 0) + (fields[12] ?? 0);
  return {
    name: match.groups["name"] ?? "",
    parent: fields[1] ?? 0,
    cpuMicroseconds: (ticks / TICKS_PER_SECOND) * MICROSECONDS,
  };
}
