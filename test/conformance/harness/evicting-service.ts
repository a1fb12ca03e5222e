// A service whose objects can lose their memory at any moment that a test chooses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Output } from "../../e2e/output.ts";

const START = fileURLToPath(new URL("start-evicting.ts", import.meta.url));
const PLACES = /^\{"url":"(?<url>[^"]+)","evictUrl":"(?<evictUrl>[^"]+)"\}$/m;

export interface EvictingService {
  url: string;
  /** Of the evictor. */
  evictUrl: string;
  dispose(): Promise<void>;
}

/** Starts it; its deployments get so many shards of each kind. */
export async function startEvictingService(shards: number): Promise<EvictingService> {
  const child = spawn(process.execPath, [START, String(shards)], { stdio: ["pipe", "pipe", "pipe"] });
  const output = new Output(child);
  const exited = once(child, "exit");
  await Promise.race([
    output.until((text) => PLACES.test(text)),
    exited.then(() => Promise.reject(new Error(`the service did not start: ${output.text()}`))),
  ]);
  const { url = "", evictUrl = "" } = PLACES.exec(output.text())?.groups ?? {};
  return {
    url,
    evictUrl,
    dispose: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
