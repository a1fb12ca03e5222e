// A service whose objects can lose their memory at any moment that a test chooses.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimPort } from "../../../scripts/start/claim-port.ts";
import { startService } from "../../../scripts/start/start-service.ts";
import type { BesideWorker } from "../../../scripts/start/start-workerd.ts";

const EVICTOR = new URL("evictor.js", import.meta.url);

export interface EvictingService {
  url: string;
  /** Of the evictor. */
  evictUrl: string;
  dispose(): Promise<void>;
}

/** Starts it; its deployments get so many shards of each kind. */
export async function startEvictingService(shards: number): Promise<EvictingService> {
  const dataDir = await mkdtemp(join(tmpdir(), "fulmar-conformance-"));
  const port = await claimPort("127.0.0.1", 0);
  const service = await startService(
    { port: 0, host: "127.0.0.1", dataDir, databaseUrl: null, plan: "local", shards, publicUrl: null },
    { printMails: false, beside: [await evictor(port)] },
  );
  return {
    url: service.localUrl,
    evictUrl: `http://127.0.0.1:${port}`,
    dispose: async () => {
      await service.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
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
