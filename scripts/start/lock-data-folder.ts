// One service a data folder: a file with the owner's process id and the time that this process was started. An owner
// that was killed leaves the file behind; it stands in nobody's way, for no process with that id and time lives.

import { execFile } from "node:child_process";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface FolderLock {
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  started: string;
}

/** Takes the lock. Throws an error of one line if a living process holds it. */
export async function lockDataFolder(dataDir: string): Promise<FolderLock> {
  const path = join(dataDir, "lock");
  const mine = `${path}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, started: await startedAt(process.pid) });
  await writeFile(mine, text, { mode: 0o600 });
  try {
    while (!(await linked(mine, path))) await removeIfStale(path, dataDir);
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

async function removeIfStale(path: string, dataDir: string): Promise<void> {
  const text = await read(path);
  if (text === null) return;
  const owner = parsed(text);
  if (owner !== null && (await startedAt(owner.pid)) === owner.started) {
    throw new Error(`${dataDir} is in use by process ${owner.pid}: stop it, or choose another folder with --data`);
  }
  // Two may get here at once: whoever moves away the other's fresh lock puts it back.
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await read(aside)) !== text) await linked(aside, path);
  await rm(aside, { force: true });
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

/** When a process was started, as text to compare; null if there is none. An id alone would not do: ids come again. */
async function startedAt(pid: number): Promise<string | null> {
  if (process.platform === "linux") {
    try {
      const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      // Behind the name, which may hold anything, the fields begin with the state; the 20th is the start.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? null : `${boot} ${fields[19]}`;
    } catch {
      return null;
    }
  }
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() === "" ? null : stdout.trim();
  } catch {
    return null;
  }
}
