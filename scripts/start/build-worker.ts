// The Worker, bundled by wrangler just as for a deployment, and what wrangler.toml says of it.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { z } from "zod";

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

const configSchema = z.object({
  name: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
});

/** Bundles into `outDir`, which is made. Throws with the bundler's words if the code does not build. */
export async function buildWorker(outDir: string): Promise<BuiltWorker> {
  const [text] = await Promise.all([readFile(join(projectRoot, "wrangler.toml"), "utf8"), bundle(outDir)]);
  const config = configSchema.parse(parse(text));
  return {
    name: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    objects: config.durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
    script: await readFile(join(outDir, "index.js"), "utf8"),
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

async function bundle(outDir: string): Promise<void> {
  const child = spawn(process.execPath, [wranglerPath(), "deploy", "--dry-run", "--outdir", outDir], {
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
