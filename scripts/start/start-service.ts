// The parts of the service on one machine, put together: the data folder, the database, the built Worker, workerd.
// What was begun is ended in the opposite order, also when a later part fails.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildWorker } from "./build-worker.ts";
import { claimPort } from "./claim-port.ts";
import { lockDataFolder } from "./lock-data-folder.ts";
import { openMailbox } from "./mailbox.ts";
import { openDataFolder } from "./open-data-folder.ts";
import { startDatabase } from "./start-database.ts";
import type { StartOptions } from "./start-options.ts";
import { type BesideWorker, startWorkerd } from "./start-workerd.ts";
import { untilHealthy } from "./until-healthy.ts";

export interface Service {
  /** Origin that this machine reaches the service by, without a slash at the end. */
  localUrl: string;
  /** Origin in the API's URLs. */
  publicUrl: string;
  dataDir: string;
  close(): Promise<void>;
}

export interface Surroundings {
  /** Mails are kept in the data folder and, unless this is false, printed. */
  printMails?: boolean;
  /** Workers of a test, beside the service's own. */
  beside?: readonly BesideWorker[];
  /** A module that the Worker begins with instead of its own, by its path in the project, and variables for it. */
  entry?: string;
  vars?: Record<string, string>;
  /** Where the Worker's inspector listens on this machine; undefined: it does not. */
  inspectorPort?: number | undefined;
}

/** Starts the service and waits until it is well. Throws an error of one line, with nothing left running. */
export async function startService(
  options: StartOptions,
  { printMails = true, beside = [], entry, vars = {}, inspectorPort }: Surroundings = {},
): Promise<Service> {
  const { dataDir } = options;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const secrets = await openDataFolder(dataDir, async () => {
      const lock = await lockDataFolder(dataDir);
      closers.push(() => lock.release());
    });
    await useScratch(join(dataDir, "scratch"));
    const [worker, database, port] = await allOrFirstFailure([
      buildWorker(join(dataDir, "build"), entry),
      startDatabase({ dataDir: join(dataDir, "postgres"), databaseUrl: options.databaseUrl }).then((started) => {
        closers.push(() => started.close());
        return started;
      }),
      claimPort(options.host, options.port),
    ]);
    const publicUrl = options.publicUrl ?? `http://${reachable(options.host)}:${port}`;
    const localUrl = `http://${loopback(options.host)}:${port}`;
    const miniflare = await startWorkerd({
      worker,
      host: options.host,
      port,
      objectsDir: join(dataDir, "objects"),
      vars: {
        BASE_DOMAIN: "",
        PUBLIC_URL: publicUrl,
        DEFAULT_PLAN: options.plan,
        DEPLOYMENT_SHARDS: String(options.shards ?? ""),
        EMAIL_VERIFICATION: "off",
        DATABASE_URL: database.databaseUrl,
        ...(database.proxy === null ? {} : { DATABASE_PROXY: database.proxy }),
        ...secrets,
        ...vars,
      },
      mailer: openMailbox(join(dataDir, "mails.jsonl"), printMails),
      beside,
      inspectorPort,
    });
    closers.push(() => miniflare.dispose());
    await untilHealthy(localUrl);
    return { localUrl, publicUrl, dataDir, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Miniflare's temporary files go there, so that those of a killed start are swept away by the next. */
async function useScratch(scratchDir: string): Promise<void> {
  await rm(scratchDir, { recursive: true, force: true });
  await mkdir(scratchDir);
  process.env["TMPDIR"] = scratchDir;
}

/** Waits for all, so that nothing is still being begun when the first failure is thrown. */
async function allOrFirstFailure<T extends readonly unknown[]>(promises: {
  [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result.status === "fulfilled" ? result.value : undefined)) as unknown as T;
}

/** The name that people on this machine use for an address that is listened on. */
function reachable(host: string): string {
  return /^(127\.|0\.0\.0\.0$|::1?$|localhost$)/.test(host) ? "localhost" : bracketed(host);
}

function loopback(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "[::1]" : bracketed(host);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
