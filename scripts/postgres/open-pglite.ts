// The folder of the embedded Postgres: made whole or not at all, recovered from its write-ahead log after a crash.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { cacheFolder } from "../cache-folder.ts";

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
  const template = await templatePath();
  if (template === null || !(await copied(template, making))) {
    const database = await PGlite.create({ dataDir: making });
    await database.close();
    if (template !== null) await keep(making, template);
  }
  await rm(dataDir, { recursive: true, force: true });
  await rename(making, dataDir);
}

/** Where a database with nothing in it is kept: to make one takes seconds, to copy it does not. Null: nowhere. */
async function templatePath(): Promise<string | null> {
  const folder = await cacheFolder("postgres");
  if (folder === null) return null;
  const version = await readFile(
    join(dirname(fileURLToPath(import.meta.resolve("@electric-sql/pglite"))), "../package.json"),
  );
  return join(folder, createHash("sha256").update(version).digest("hex"));
}

async function copied(template: string, dataDir: string): Promise<boolean> {
  try {
    await cp(template, dataDir, { recursive: true });
    return true;
  } catch {
    await rm(dataDir, { recursive: true, force: true });
    return false;
  }
}

/** Keeps a copy of a database that nobody uses. */
async function keep(dataDir: string, template: string): Promise<void> {
  const copy = `${template}.${process.pid}`;
  const kept =
    (await copied(dataDir, copy)) &&
    (await rename(copy, template).then(
      () => true,
      () => false,
    ));
  if (!kept) await rm(copy, { recursive: true, force: true }); // Another start has been faster, or the disk is full.
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
