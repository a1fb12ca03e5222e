// The wish to stop: Ctrl-C, SIGTERM, or the terminal's end.

/** Settles at the first such signal; at a second one the process ends at once. */
export function onceStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve();
      });
    }
  });
}
