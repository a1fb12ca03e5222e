// The port to serve on: free, and known before workerd starts, because the Worker is told its own URL.

import { createServer, type AddressInfo } from "node:net";

/** How long a port may still be held by what a killed start left, which ends by itself. */
const PATIENCE_MS = 3_000;
const PAUSE_MS = 100;

/** The port, or a free one for 0. Throws an error of one line if it cannot be had. */
export async function claimPort(host: string, port: number): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await listenOnce(host, port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" || performance.now() > until) {
        throw new Error(describe(code, host, port), { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function describe(code: string | undefined, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is taken: choose another with --port`;
    case "EACCES":
      return `port ${port} on ${host} is not allowed to you: choose another with --port`;
    default:
      return `cannot listen on ${host}: ${code ?? "unknown error"}`;
  }
}

async function listenOnce(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  const claimed = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return claimed;
}
