// The port to serve on: free, and known before workerd starts, because the Worker is told its own URL.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** How long a port may still be held by what a killed start left, which ends by itself. */
const PATIENCE_MS = 3_000;
const PAUSE_MS = 100;
/** Ports that no system gives to outgoing connections, which could take a free one before workerd listens on it. */
const LOWEST_FREE = 20_000;
const HIGHEST_FREE = 29_999;

/** The port, or a free one for 0. Throws an error of one line if it cannot be had. */
export async function claimPort(host: string, port: number): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const wanted = port === 0 ? randomInt(LOWEST_FREE, HIGHEST_FREE + 1) : port;
    try {
      await listenOnce(host, wanted);
      return wanted;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" || performance.now() > until) {
        throw new Error(describe(code, host, wanted), { cause: error });
      }
      if (port !== 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** What to say of a port that another program listens on, in one line. */
export function portTaken(host: string, port: number): string {
  return `port ${port} on ${host} is taken: choose another with --port`;
}

function describe(code: string | undefined, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return portTaken(host, port);
    case "EACCES":
      return `port ${port} on ${host} is not allowed to you: choose another with --port`;
    default:
      return `cannot listen on ${host}: ${code ?? "unknown error"}`;
  }
}

async function listenOnce(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
