// One service a data folder: a file with the owner's process id and the time that this process was started. An owner
// that was killed leaves the file behind; it stands in nobody's way, for no process with that id and time lives.

import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { processEntry } from "./process-entry.ts";

/** How long an owner may hold on: one that was stopped just now is about to let go. */
const PATIENCE_MS = 3_000;
const PAUSE_MS = 100;

export interface FolderLock {
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  started: string;
}

/** Takes the lock. Throws an error of one line if a living process holds it and does not let go. */
export async function lockDataFolder(dataDir: string): Promise<FolderLock> {
  const path = join(dataDir, "lock");
  const mine = `${path}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, started: processEntry(process.pid)?.started });
  await writeFile(mine, text, { mode: 0o600 });
  const until = performance.now() + PATIENCE_MS;
  try {
    while (!(await linked(mine, path))) {
      const owner = await livingOwner(path);
      if (owner === null) continue;
      if (performance.now() > until) {
        throw new Error(`${dataDir} is in use by process ${owner.pid}: stop it, or choose another folder with --data`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    await rm(mine, { force: true });
  }
  return {
    async release() {
      if ((await read(path)) === text) await rm(path, { force: true });
    },
  };
}

/** Makes `path` whole or not at all; false if it is there. */
async function linked(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Who holds the lock; if that is nobody who lives, the file is removed. */
async function livingOwner(path: string): Promise<Owner | null> {
  const text = await read(path);
  if (text === null) return null;
  const owner = parsed(text);
  if (owner !== null && processEntry(owner.pid)?.started === owner.started) return owner;
  // Two may get here at once: whoever moves away the other's fresh lock puts it back.
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  if ((await read(aside)) !== text) await linked(aside, path);
  await rm(aside, { force: true });
  return null;
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parsed(text: string): Owner | null {
  try {
    const { pid, started } = JSON.parse(text) as Partial<Owner>;
    return Number.isInteger(pid) && typeof started === "string" ? { pid: Number(pid), started } : null;
  } catch {
    return null;
  }
}
