// Where what takes long to make is kept between runs: beside the packages that it is made with.

import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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
