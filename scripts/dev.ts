// `npm run dev`: wrangler's development server, which reloads the Worker when a file changes, with Postgres beside it.
// It keeps its data in a folder of its own and takes the options of the start, but for --host.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quietWrangler, wranglerPath } from "./start/build-worker.ts";
import { claimPort } from "./start/claim-port.ts";
import { guardPath, guardVariables } from "./start/guard.ts";
import { lockDataFolder } from "./start/lock-data-folder.ts";
import { onceStopped } from "./start/once-stopped.ts";
import { openDataFolder } from "./start/open-data-folder.ts";
import { startDatabase } from "./start/start-database.ts";
import { readStartOptions, startHelp } from "./start/start-options.ts";

async function main(): Promise<number> {
  const options = readStartOptions(process.argv.slice(2), {
    ...process.env,
    FULMAR_DATA: process.env["FULMAR_DATA"] ?? ".fulmar/dev",
  });
  if (options === "help") {
    console.log(startHelp.replace("npm start", "npm run dev"));
    return 0;
  }
  const stopped = onceStopped();
  const { dataDir } = options;
  let unlock = () => Promise.resolve();
  const secrets = await openDataFolder(dataDir, async () => {
    const lock = await lockDataFolder(dataDir);
    unlock = () => lock.release();
  });
  try {
    const port = await claimPort(options.host, options.port);
    const database = await startDatabase({ dataDir: join(dataDir, "postgres"), databaseUrl: options.databaseUrl });
    try {
      return await runWrangler(stopped, dataDir, port, {
        PUBLIC_URL: options.publicUrl ?? `http://localhost:${port}`,
        DEFAULT_PLAN: options.plan,
        DEPLOYMENT_SHARDS: String(options.shards ?? ""),
        EMAIL_VERIFICATION: "off",
        DATABASE_URL: database.databaseUrl,
        ...(database.proxy === null ? {} : { DATABASE_PROXY: database.proxy }),
        ...secrets,
      });
    } finally {
      await database.close();
    }
  } finally {
    await unlock();
  }
}

/** Returns wrangler's exit code, 0 after a wish to stop. */
async function runWrangler(
  stopped: Promise<void>,
  dataDir: string,
  port: number,
  vars: Record<string, string>,
): Promise<number> {
  // In a file and not on the command line, which every user of the machine can read.
  const varsPath = join(dataDir, "vars.env");
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
  await writeFile(varsPath, lines.join(""), { mode: 0o600 });
  const args = ["dev", "--port", String(port), "--persist-to", join(dataDir, "objects"), "--env-file", varsPath];
  const child = spawn(guardPath ?? process.execPath, [wranglerPath(), ...args], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: "inherit",
    // A terminal's keys are for wrangler, which CI would silence.
    env: {
      ...process.env,
      ...quietWrangler,
      CI: process.env["CI"] ?? "",
      ...guardVariables(process.execPath, "TERM"),
    },
  });
  const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  const first = await Promise.race([exited, stopped.then(() => "stopped" as const)]);
  if (first !== "stopped") return first;
  child.kill("SIGTERM");
  await exited;
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
  console.error(`fulmar: ${line}`);
  process.exit(1);
}
