// The wish to stop: Ctrl-C, SIGTERM, the terminal's end, or the end of the npm that runs this.

import { isatty } from "node:tty";
import { onNpmGone, runByNpm } from "./npm-gone.ts";

/** A terminal's Ctrl-C reaches npm too, and npm may hand it on: the same wish comes twice. */
const ECHO_MS = 1_000;

/** Settles at the first such wish; at one more, a second or more behind it, the process ends at once. */
export function onceStopped(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | null = null;
    const ask = () => {
      if (askedAt === null) {
        askedAt = performance.now();
        resolve();
      } else if (performance.now() - askedAt >= ECHO_MS) {
        process.exit(130);
      }
    };
    // Without a terminal, as under nohup, its end means nothing. npm dies of it all the same.
    const endsWithTerminal = runByNpm() || [0, 1, 2].some((descriptor) => isatty(descriptor));
    process.on("SIGINT", ask);
    process.on("SIGTERM", ask);
    process.on("SIGHUP", () => endsWithTerminal && ask());
    onNpmGone(ask);
  });
}
