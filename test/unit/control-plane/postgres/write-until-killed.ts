// Writes rows to the embedded Postgres in the folder given, one transaction each, and prints each number once its
// commit was acknowledged. Runs until it is killed.

import { clientThrough } from "../../../../scripts/postgres/bridge-server.ts";
import { startPostgres } from "../../../../scripts/postgres-bridge.ts";

const { databaseUrl, proxy } = await startPostgres({ dataDir: process.argv[2] ?? "" });
const client = clientThrough(proxy, databaseUrl);
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS written (n integer PRIMARY KEY)");
const { rows } = await client.query("SELECT coalesce(max(n), 0) AS n FROM written");
for (let n = Number(rows[0].n) + 1; ; n++) {
  await client.query("BEGIN");
  await client.query("INSERT INTO written VALUES ($1)", [n]);
  await client.query("COMMIT");
  process.stdout.write(`${n}\n`);
}
