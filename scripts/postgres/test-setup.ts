// Gives the tests that run inside workerd a database. Vitest calls this once, before them, and resolves modules as for
// the runtime under test, so the database is a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

interface Project {
  config: { root: string };
  provide(key: "databaseUrl" | "databaseProxy", value: string): void;
}

/** Provides `databaseUrl` and `databaseProxy`; what it returns ends the database. */
export async function setup(project: Project): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ["scripts/postgres/serve-empty.ts"], {
    cwd: project.config.root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const line = await Promise.race([
    once(createInterface(child.stdout), "line").then(([text]) => String(text)),
    exited.then(() => Promise.reject(new Error("the database for the tests did not start"))),
  ]);
  const { databaseUrl, proxy } = JSON.parse(line) as { databaseUrl: string; proxy: string };
  project.provide("databaseUrl", databaseUrl);
  project.provide("databaseProxy", proxy);
  return async () => {
    child.stdin.end();
    await exited;
  };
}
