// What Fulmar's process holds, garbage aside: memory of the process and of the Worker's heap, and bytes on disk.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Fulmar } from "./brokers/fulmar.ts";
import type { Inspector } from "./inspector.ts";
import { residentBytes } from "./processes.ts";

export interface Held {
  /** Of the process, in RAM. */
  resident: number;
  /** Of the Worker: objects of JavaScript, what they stand for, and buffers. */
  heap: number;
  /** Files of the objects. */
  disk: number;
}

interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

/** Collects the Worker's garbage, then looks. */
export async function held({ target, dataDir }: Fulmar, inspector: Inspector): Promise<Held> {
  await inspector.awake(target, "HeapProfiler.collectGarbage");
  const usage = (await inspector.call("Runtime.getHeapUsage")) as HeapUsage;
  return {
    resident: (await residentBytes(target.pid)) ?? Number.NaN,
    heap: usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize,
    disk: await bytesIn(join(dataDir, "objects")),
  };
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries) {
    // A log of SQLite's comes and goes.
    if (entry.isFile())
      bytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return bytes;
}
