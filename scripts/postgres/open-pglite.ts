// The folder of the embedded Postgres: made whole or not at all, recovered from its write-ahead log after a crash.

import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";

/** Opens the database in `dataDir`, making it first if there is none. Throws an error of one line. */
export async function openPGlite(dataDir: string): Promise<PGlite> {
  try {
    if (await isEmpty(dataDir)) await create(dataDir);
    else if (!existsSync(join(dataDir, "PG_VERSION"))) throw new Error("it holds something else than a database");
    // Left by a process that was killed: the caller sees to it that only one runs.
    await rm(join(dataDir, "postmaster.pid"), { force: true });
    return await PGlite.create({ dataDir });
  } catch (error) {
    throw new Error(`cannot open the database in ${dataDir}: ${oneLine(error)}`, { cause: error });
  }
}

/** Makes the database beside its place and moves it there, so that a crash leaves no half of one. */
async function create(dataDir: string): Promise<void> {
  const making = `${dataDir}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(dirname(dataDir), { recursive: true });
  const database = await PGlite.create({ dataDir: making });
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
  await rename(making, dataDir);
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
