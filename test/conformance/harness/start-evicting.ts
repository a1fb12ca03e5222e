// `start-evicting.ts SHARDS`: a service with an evictor beside it, in a process of its own, since a start changes the
// variables of its process. Prints where both are as JSON, and ends when its standard input does.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimPort } from "../../../scripts/start/claim-port.ts";
import { startService } from "../../../scripts/start/start-service.ts";
import type { BesideWorker } from "../../../scripts/start/start-workerd.ts";

const EVICTOR = new URL("evictor.js", import.meta.url);

const dataDir = await mkdtemp(join(tmpdir(), "fulmar-conformance-"));
const evictorPort = await claimPort("127.0.0.1", 0);
const service = await startService(
  {
    port: 0,
    host: "127.0.0.1",
    dataDir,
    databaseUrl: null,
    plan: "local",
    shards: Number(process.argv[2]),
    publicUrl: null,
  },
  { printMails: false, beside: [await evictor(evictorPort)] },
);
process.stdin.on("end", () => void end()).resume();
process.stdout.write(`${JSON.stringify({ url: service.localUrl, evictUrl: `http://127.0.0.1:${evictorPort}` })}\n`);

async function end(): Promise<void> {
  await service.close();
  await rm(dataDir, { recursive: true, force: true });
  process.exit(0);
}

async function evictor(port: number): Promise<BesideWorker> {
  const object = (exportName: string) => ({ type: "durable-object", worker: "fulmar", exportName }) as const;
  return {
    config: {
      name: "evictor",
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["unsafe_module"],
      manifest: {
        mainModule: "evictor.js",
        modules: { "evictor.js": { type: "esm", contents: await readFile(EVICTOR, "utf8") } },
      },
      env: {
        DEPLOYMENT: object("Deployment"),
        SESSION_SHARD: object("SessionShard"),
        TOPIC_SHARD: object("TopicShard"),
      },
    },
    dev: { cacheAPI: false, unsafeDirectSockets: [{ host: "127.0.0.1", port }] },
  };
}
