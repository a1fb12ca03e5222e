// What the system says of a process: read from /proc on Linux, asked of `ps` elsewhere.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

export interface ProcessEntry {
  parent: number;
  /** Of its program, without the folder. */
  name: string;
  /** When it was started, as text to compare. An id alone would not do: ids come again. */
  started: string;
}

/** Null if there is none with this id, or a dead one that its parent has not asked for yet. */
export function processEntry(pid: number): ProcessEntry | null {
  try {
    return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
  } catch {
    return null;
  }
}

function fromProc(pid: number): ProcessEntry | null {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may hold anything, brackets too. Behind it the fields begin with the state; the 20th is the start.
  const nameEnd = stat.lastIndexOf(")");
  const fields = stat.slice(nameEnd + 2).split(" ");
  if (fields[0] === "Z") return null;
  return {
    parent: Number(fields[1]),
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    started: `${boot} ${fields[19]}`,
  };
}

function fromPs(pid: number): ProcessEntry | null {
  const line = execFileSync("ps", ["-o", "ppid=,lstart=,comm=", "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  // Such as "  501 Mon Nov 23 09:14:07 2026 /bin/sh"; a login shell's name begins with a hyphen.
  const [, parent, started, command] = /^\s*(\d+)\s+(\S+(?:\s+\S+){4})\s+(.+?)\s*$/.exec(line) ?? [];
  if (parent === undefined || started === undefined || command === undefined) return null;
  return { parent: Number(parent), name: basename(command).replace(/^-/, ""), started };
}
