// The folder that holds everything: made at the first start, readable by its owner alone, with the secrets of the
// service, which are made once.

import { randomBytes } from "node:crypto";
import { access, constants, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const secretsSchema = z.object({ BETTER_AUTH_SECRET: z.string().min(32), DEPLOYMENT_ID_KEY: z.string().min(32) });

export type Secrets = z.infer<typeof secretsSchema>;

/** Opens the folder, takes it with `lock`, and returns its secrets. Throws an error of one line. */
export async function openDataFolder(dataDir: string, lock: () => Promise<void>): Promise<Secrets> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`cannot use the data folder ${dataDir}: ${reason(error)}`, { cause: error });
  }
  await lock();
  const path = join(dataDir, "secrets.json");
  try {
    return secretsSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return await makeSecrets(path);
    // Made anew, all endpoints and sessions would be void: that is for a person to decide.
    throw new Error(`cannot read ${path}: restore it, or choose another folder with --data`, { cause: error });
  }
}

/** Written whole or not at all, and on the disk before it is used. */
async function makeSecrets(path: string): Promise<Secrets> {
  const secrets = { BETTER_AUTH_SECRET: secret(), DEPLOYMENT_ID_KEY: secret() };
  const making = `${path}.making`;
  const file = await open(making, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(secrets, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(making, path);
  return secrets;
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EEXIST":
    case "ENOTDIR":
      return "it is no folder";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "it cannot be written to";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
