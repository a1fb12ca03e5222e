// The embedded Postgres behind Neon's protocols: clients that share it stay apart, and nothing committed is lost.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { neon, neonConfig, type Client } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { applyMigrations } from "../../../../scripts/migrate.ts";
import { clientThrough } from "../../../../scripts/postgres/bridge-server.ts";
import { startBridge, startPostgres, type Postgres } from "../../../../scripts/postgres-bridge.ts";

let folder: string;
let postgres: Postgres;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fulmar-bridge-"));
  postgres = await startPostgres({ dataDir: join(folder, "data") });
}, 60_000);

afterAll(async () => {
  await postgres.close();
  await rm(folder, { recursive: true, force: true });
});

async function client(): Promise<Client> {
  const opened = clientThrough(postgres.proxy, postgres.databaseUrl);
  await opened.connect();
  return opened;
}

describe("clients of one database", () => {
  it("never see into each other's transactions", async () => {
    const [a, b] = await Promise.all([client(), client()]);
    await a.query("CREATE TABLE apart (n integer)");
    await a.query("BEGIN");
    await a.query("INSERT INTO apart VALUES (1)");
    const order: string[] = [];
    const seen = b.query("SELECT n FROM apart").then(({ rows }) => {
      order.push("b read");
      return rows;
    });
    await a.query("INSERT INTO apart VALUES (2)");
    await a.query("ROLLBACK").then(() => order.push("a rolled back"));
    expect(await seen).toEqual([]);
    expect(order).toEqual(["a rolled back", "b read"]);
    await Promise.all([a.end(), b.end()]);
  });

  it("get their own answers, many at a time, errors among them", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => client()));
    const queries = Array.from({ length: 200 }, async (_, i) => {
      const own = clients[i % clients.length];
      if (i % 5 === 0) return await own?.query("SELECT 1 / $1::int", [0]).catch((error: Error) => error.message);
      return (await own?.query("SELECT $1::int AS n", [i]))?.rows[0].n;
    });
    const answers = await Promise.all(queries);
    expect(answers).toEqual(answers.map((_, i) => (i % 5 === 0 ? "division by zero" : i)));
    await Promise.all(clients.map((own) => own.end()));
  });

  it("are not held up by one that was lost within a transaction, whose changes are undone", async () => {
    const watcher = await client();
    await watcher.query("CREATE TABLE undone (n integer)");
    const lost = await client();
    await lost.query("BEGIN");
    await lost.query("INSERT INTO undone VALUES (1)");
    const counted = watcher.query("SELECT count(*)::int AS n FROM undone");
    // As when its process dies: no ROLLBACK, no goodbye.
    (lost as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect((await counted).rows).toEqual([{ n: 0 }]);
    await watcher.end();
  });

  it("get a failed transaction's error and go on after it", async () => {
    const own = await client();
    await own.query("BEGIN");
    await expect(own.query("SELECT nothing")).rejects.toThrow("does not exist");
    await expect(own.query("SELECT 1")).rejects.toThrow("current transaction is aborted");
    await own.query("ROLLBACK");
    expect((await own.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await own.end();
  });
});

describe("queries over HTTP", () => {
  it("answer rows, batches and errors as Neon does", async () => {
    neonConfig.fetchEndpoint = `http://${postgres.proxy}/sql`;
    const sql = neon(postgres.databaseUrl);
    expect(await sql`SELECT ${2}::int AS n, ${"x"} AS t, NULL AS nothing`).toEqual([{ n: 2, t: "x", nothing: null }]);
    expect(await sql.transaction([sql`SELECT 1 AS a`, sql`SELECT 2 AS b`], { readOnly: true })).toEqual([
      [{ a: 1 }],
      [{ b: 2 }],
    ]);
    await expect(sql`SELECT nothing`).rejects.toMatchObject({ code: "42703" });
    await expect(sql.transaction([sql`CREATE TABLE half (n integer)`, sql`SELECT nothing`])).rejects.toThrow(
      "does not exist",
    );
    expect(await sql`SELECT to_regclass('half') AS found`).toEqual([{ found: null }]);
  });
});

describe("the bridge", () => {
  it("turns browsers away, which always say where they come from", async () => {
    const response = await fetch(`http://${postgres.proxy}/sql`, {
      method: "POST",
      headers: { Origin: "https://evil.example", "Neon-Connection-String": postgres.databaseUrl },
      body: JSON.stringify({ query: "SELECT 1" }),
    });
    expect(response.status).toBe(404);
    const socket = new WebSocket(`ws://${postgres.proxy}/v2`, { origin: "https://evil.example" });
    const [error] = await once(socket, "error");
    expect(String(error)).toContain("401");
  });

  it("says in one line what is wrong", async () => {
    const wrongPassword = new URL(postgres.databaseUrl);
    wrongPassword.password = "guess";
    const messages = [
      await failure(startBridge({ databaseUrl: wrongPassword.href })),
      await failure(startBridge({ databaseUrl: "postgres://a:b@127.0.0.1:1/x" })),
      await failure(startBridge({ databaseUrl: "nonsense" })),
    ];
    expect(messages).toEqual([
      expect.stringMatching(/^the database at 127\.0\.0\.1:\d+ refuses: password authentication failed$/),
      "cannot reach the database at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1",
      "the database URL must look like postgres://user:password@host:5432/name",
    ]);
  });

  it("serves a Postgres that it did not start", async () => {
    const bridge = await startBridge({ databaseUrl: postgres.databaseUrl });
    const through = clientThrough(bridge.proxy, bridge.databaseUrl);
    await through.connect();
    expect((await through.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await through.end();
    await bridge.close();
  });
});

describe("the folder", () => {
  it("is refused in one line when it holds something else", async () => {
    const other = await mkdtemp(join(folder, "other-"));
    await writeFile(join(other, "letter.txt"), "dear reader");
    const message = `cannot open the database in ${other}: it holds something else than a database`;
    expect(await failure(startPostgres({ dataDir: other }))).toBe(message);
    const file = join(other, "letter.txt");
    expect(await failure(startPostgres({ dataDir: file }))).toMatch(/^cannot open the database in .+: ENOTDIR.+$/);
  });

  it("is refused in one line when it is damaged", async () => {
    const damaged = join(folder, "damaged");
    await (await startPostgres({ dataDir: damaged })).close();
    await writeFile(join(damaged, "global/pg_control"), "not what was here");
    const message = `cannot open the database in ${damaged}: its files are damaged or cannot be used`;
    expect(await failure(startPostgres({ dataDir: damaged }))).toBe(message);
  }, 60_000);

  it("loses nothing that was committed when the process is killed, again and again", async () => {
    const dataDir = join(folder, "killed");
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) acknowledged = await writeAndKill(dataDir, 20 + round);
    const reopened = await startPostgres({ dataDir });
    const reader = clientThrough(reopened.proxy, reopened.databaseUrl);
    await reader.connect();
    const { rows } = await reader.query("SELECT count(*)::int AS count, max(n) AS max FROM written");
    await reader.end();
    await reopened.close();
    expect(acknowledged).toBeGreaterThanOrEqual(100);
    expect(rows[0].max).toBeGreaterThanOrEqual(acknowledged);
    expect(rows[0].count).toBe(rows[0].max);
  }, 120_000);
});

describe("migrations", () => {
  it("apply once, and again without a change", async () => {
    await applyMigrations(postgres);
    await applyMigrations(postgres);
    const own = await client();
    const { rows } = await own.query("SELECT to_regclass('deployment')::text AS found");
    expect(rows).toEqual([{ found: "deployment" }]);
    await own.end();
  });

  it("say in one line when the database cannot be reached", async () => {
    const gone = { databaseUrl: postgres.databaseUrl, proxy: "127.0.0.1:1" };
    expect(await failure(applyMigrations(gone))).toBe("cannot migrate the database: it cannot be reached");
  });
});

/** Starts the writer, kills it after so many acknowledged rows, and returns the last acknowledged. */
async function writeAndKill(dataDir: string, count: number): Promise<number> {
  const writer = fileURLToPath(new URL("write-until-killed.ts", import.meta.url));
  const child = spawn(process.execPath, [writer, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let seen = 0;
  let last = 0;
  for await (const line of createInterface(child.stdout)) {
    last = Number(line);
    seen += 1;
    if (seen === count) child.kill("SIGKILL");
  }
  await exited;
  return last;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("it did not fail");
}
