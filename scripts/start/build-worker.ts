// The Worker, bundled by wrangler just as for a deployment, and what wrangler.toml says of it. A bundle is kept, and used
// again as long as all that it is made of is the same: to bundle takes most of the time of a start.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { glob, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { z } from "zod";
import { cacheFolder, forgetOld } from "../cache-folder.ts";

export interface BuiltWorker {
  name: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  /** Binding name and class of each kind of object. */
  objects: { binding: string; className: string }[];
  /** The bundle: one module. */
  script: string;
}

const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

const ENTRY = "src/worker/index.ts";
const SOURCES = ["src/**/*", "wrangler.toml", "package.json", "node_modules/.package-lock.json"];

const configSchema = z.object({
  name: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
});

/** Bundles, unless that has been done. `ownDir` is where the bundle is kept if it cannot be beside the packages; `entry`
 *  another module to begin with, by its path in the project. Throws with the bundler's words if the code does not build. */
export async function buildWorker(ownDir: string, entry = ENTRY): Promise<BuiltWorker> {
  const [text, script] = await Promise.all([
    readFile(join(projectRoot, "wrangler.toml"), "utf8"),
    bundled(ownDir, entry),
  ]);
  const config = configSchema.parse(parse(text));
  return {
    name: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    objects: config.durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
    script,
  };
}

/** Variables under which wrangler neither calls anybody nor asks anything. */
export const quietWrangler = {
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_WRITE_LOGS: "false",
  WRANGLER_HIDE_BANNER: "true",
} as const;

/** Path of wrangler's command line program, to be run with Node. */
export function wranglerPath(): string {
  return join(createRequire(import.meta.url).resolve("wrangler/package.json"), "../bin/wrangler.js");
}

async function bundled(ownDir: string, entry: string): Promise<string> {
  const [dir, name] = await Promise.all([bundlesDir(ownDir), fingerprint(entry)]);
  const bundleName = `${basename(entry, ".ts")}.js`;
  const kept = join(dir, name);
  const script = join(kept, bundleName);
  const found = await readFile(script, "utf8").catch(() => null);
  if (found !== null) return found;
  const made = `${kept}.${process.pid}`;
  try {
    await bundle(made, entry);
    const text = await readFile(join(made, bundleName), "utf8");
    await rename(made, kept).catch(() => {}); // Another start has been faster.
    await forgetOld(dir);
    return text;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function bundlesDir(ownDir: string): Promise<string> {
  const shared = await cacheFolder("worker");
  if (shared !== null) return shared;
  await mkdir(ownDir, { recursive: true });
  return ownDir;
}

/** Of everything that a bundle is made of: the code, how it is bundled, and the packages that are installed. */
async function fingerprint(entry: string): Promise<string> {
  const hash = createHash("sha256").update(`${entry}\0`);
  const files: string[] = [];
  for await (const file of glob([...SOURCES, `${dirname(entry)}/**/*`], { cwd: projectRoot })) files.push(file);
  for (const file of files.sort()) {
    hash.update(`${file}\0`).update(await readFile(join(projectRoot, file)).catch(() => "")); // A folder, perhaps.
  }
  return hash.digest("hex");
}

async function bundle(outDir: string, entry: string): Promise<void> {
  const child = spawn(process.execPath, [wranglerPath(), "deploy", entry, "--dry-run", "--outdir", outDir], {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...quietWrangler, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code === 0) return;
  if (output.trim() === "") throw new Error(`the Worker does not build: the bundler ended with ${code ?? "a signal"}`);
  console.error(output.trim());
  throw new Error("the Worker does not build: see above");
}
