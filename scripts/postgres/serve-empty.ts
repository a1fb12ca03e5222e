// A migrated, empty database for a run of tests, as a process of its own: it prints {"databaseUrl","proxy"} on one line
// and lives until its standard input ends.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { applyMigrations } from "../migrate.ts";
import { startPostgres } from "../postgres-bridge.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

async function serveEmpty(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fulmar-postgres-"));
  const dataDir = join(folder, "data");
  await cp(await template(), dataDir, { recursive: true });
  const postgres = await startPostgres({ dataDir });
  process.stdin.on("end", async () => {
    await postgres.close();
    await rm(folder, { recursive: true, force: true });
    process.exit();
  });
  process.stdin.resume();
  console.log(JSON.stringify({ databaseUrl: postgres.databaseUrl, proxy: postgres.proxy }));
}

/** Making a database takes seconds, copying it does not: one is kept for each state of the migrations. */
async function template(): Promise<string> {
  const cache = join(root, "node_modules/.cache/fulmar-postgres");
  const kept = join(cache, fingerprint());
  if (existsSync(kept)) return kept;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, "making-"));
  const dataDir = join(making, "data");
  const postgres = await startPostgres({ dataDir });
  await applyMigrations(postgres);
  await postgres.close();
  // Another run may have been faster: its copy is as good.
  await rename(dataDir, kept).catch(() => {});
  await rm(making, { recursive: true, force: true });
  return kept;
}

function fingerprint(): string {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(root, "node_modules/@electric-sql/pglite/package.json")));
  const folder = join(root, "migrations");
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith(".sql")) hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}

await serveEmpty();
