// A benchmark's life: what it has started is ended when it is done, when it fails, and when it is stopped.

import { onceStopped } from "../scripts/start/once-stopped.ts";

const STOPPED = 130;

/** Something that runs until it is stopped. */
interface Running {
  stop(): Promise<void>;
}

/** Runs `run`, which hands over what it starts, and ends the process. */
export async function benchmark(run: (keep: <T extends Running>(started: T) => T) => Promise<void>): Promise<never> {
  const running: Running[] = [];
  const keep = <T extends Running>(started: T): T => {
    running.push(started);
    return started;
  };
  try {
    const stopped = onceStopped().then(() => (process.exitCode = STOPPED));
    await Promise.race([run(keep), stopped]);
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
    console.error(`bench: ${line}`);
    process.exitCode = 1;
  }
  for (let last = running.pop(); last !== undefined; last = running.pop()) await last.stop();
  process.exit(process.exitCode ?? 0);
}
