// A migrated, empty database for a run of tests, as a process of its own: it prints {"databaseUrl","proxy"} on one line
// and lives until its standard input ends.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyMigrations } from "../migrate.ts";
import { startPostgres } from "../postgres-bridge.ts";

async function serveEmpty(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fulmar-postgres-"));
  const postgres = await startPostgres({ dataDir: join(folder, "data") });
  await applyMigrations(postgres);
  process.stdin.on("end", async () => {
    await postgres.close();
    await rm(folder, { recursive: true, force: true });
    process.exit();
  });
  process.stdin.resume();
  console.log(JSON.stringify({ databaseUrl: postgres.databaseUrl, proxy: postgres.proxy }));
}

await serveEmpty();
