// The end of the npm that runs a script. npm hands a SIGTERM to the shell between itself and the script; where that is
// one that lives beside what it runs, it dies and tells nobody. A killed npm tells nobody either. So a script that must
// not outlive npm looks for itself.

import { basename } from "node:path";
import { processEntry } from "./process-entry.ts";

const LOOK_MS = 500;
const SHELLS = new Set(["sh", "dash", "bash", "zsh", "ksh", "mksh", "ash", "busybox", "fish"]);

/** Whether this program is the one that npm was asked to run, and not one that such a program has started. */
export function runByNpm(): boolean {
  const script = process.env["npm_lifecycle_script"];
  const program = process.argv[1];
  return script !== undefined && program !== undefined && script.includes(basename(program));
}

/** Calls back once, when the npm that runs this program is gone; never, if none runs it. */
export function onNpmGone(callback: () => void): void {
  if (!runByNpm() || process.platform === "win32") return;
  const parent = process.ppid;
  const entry = processEntry(parent);
  const npm = entry !== null && SHELLS.has(entry.name) ? entry.parent : null;
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === null || isParent(npm, parent))) return;
    clearInterval(timer);
    callback();
  }, LOOK_MS);
  timer.unref();
}

/** Whether `npm` is there for the shell that it started. */
function isParent(npm: number, shell: number): boolean {
  // The shell gets another parent at once; npm's own id may stay for as long as nobody asks how it ended.
  if (process.platform === "linux") return processEntry(shell)?.parent === npm;
  try {
    return process.kill(npm, 0);
  } catch {
    return false;
  }
}
