// The guard of programs that must end with the process that starts them: guarded.sh, run in the program's place.

import { fileURLToPath } from "node:url";

/** Path of the guard; null where there is no shell for it. */
export const guardPath = process.platform === "win32" ? null : fileURLToPath(new URL("guarded.sh", import.meta.url));

/** Variables for the guard: what it becomes, and the signal that this gets when its starter has ended. */
export function guardVariables(program: string, signal: "KILL" | "TERM"): Record<string, string> {
  return { FULMAR_GUARDED: program, FULMAR_GUARD_SIGNAL: signal };
}
