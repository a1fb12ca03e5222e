// Where what takes long to make is kept between runs: beside the packages that it is made with.

import { access, constants, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What was made of code or packages that nobody has any more. */
const OLD_MS = 7 * 24 * 3_600_000;

const packages = fileURLToPath(new URL("../node_modules", import.meta.url));

/** The folder for what is called `name`, made if there is none; null: this installation is somebody else's. */
export async function cacheFolder(name: string): Promise<string | null> {
  const folder = join(packages, ".cache/fulmar", name);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch {
    return null;
  }
}

/** Removes what was made long ago, finished or not. */
export async function forgetOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > OLD_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
}
