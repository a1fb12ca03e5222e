// The folder of the embedded Postgres: made whole or not at all, recovered from its write-ahead log after a crash.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { cacheFolder, forgetOld } from "../cache-folder.ts";

/** Opens the database in `dataDir`, making it first if there is none. Throws an error of one line. */
export async function openPGlite(dataDir: string): Promise<PGlite> {
  try {
    if (await isEmpty(dataDir)) return await create(dataDir);
    if (!existsSync(join(dataDir, "PG_VERSION"))) throw new Error("it holds something else than a database");
    // Left by a process that was killed: the caller sees to it that only one runs.
    await rm(join(dataDir, "postmaster.pid"), { force: true });
    return await PGlite.create({ dataDir });
  } catch (error) {
    throw new Error(`cannot open the database in ${dataDir}: ${oneLine(error)}`, { cause: error });
  }
}

/** A new database: a copy of an empty one, if one is kept. A copy that cannot be opened is not kept any longer. */
async function create(dataDir: string): Promise<PGlite> {
  const template = await templatePath();
  if (template !== null && existsSync(template)) {
    try {
      await whole(dataDir, (making) => cp(template, making, { recursive: true }));
      return await PGlite.create({ dataDir });
    } catch {
      await rm(template, { recursive: true, force: true });
    }
  }
  await whole(dataDir, async (making) => {
    const database = await PGlite.create({ dataDir: making });
    await database.close();
    if (template !== null) await keep(making, template);
  });
  return await PGlite.create({ dataDir });
}

/** Makes the database beside its place and moves it there, so that a crash leaves no half of one. */
async function whole(dataDir: string, make: (making: string) => Promise<void>): Promise<void> {
  const making = `${dataDir}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(dirname(dataDir), { recursive: true });
  await make(making);
  await rm(dataDir, { recursive: true, force: true });
  await rename(making, dataDir);
}

/** Where a database with nothing in it is kept: to make one takes seconds, to copy it does not. Null: nowhere. */
async function templatePath(): Promise<string | null> {
  const folder = await cacheFolder("postgres");
  if (folder === null) return null;
  const entry = fileURLToPath(import.meta.resolve("@electric-sql/pglite"));
  const version = await readFile(join(dirname(entry), "../package.json"));
  return join(folder, createHash("sha256").update(version).digest("hex"));
}

/** Keeps a copy of a database that nobody uses. Failing is no harm: another start has been faster, or the disk is full. */
async function keep(dataDir: string, template: string): Promise<void> {
  const folder = await mkdtemp(`${template}.`).catch(() => null);
  if (folder === null) return;
  try {
    const copy = join(folder, "data");
    await cp(dataDir, copy, { recursive: true });
    await rename(copy, template);
    await forgetOld(dirname(template));
  } catch {
    // As before.
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isEmpty(dataDir: string): Promise<boolean> {
  if (!existsSync(dataDir)) return true;
  return (await readdir(dataDir)).length === 0;
}

/** Our own words and the file system's are clear; those of a Postgres that gave up are not. */
function oneLine(error: unknown): string {
  const clear = error instanceof Error && ("code" in error || error.message.startsWith("it holds"));
  return clear ? (error.message.split("\n", 1)[0] ?? "") : "its files are damaged or cannot be used";
}
