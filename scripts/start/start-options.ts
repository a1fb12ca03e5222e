// The options of the start: the command line first, then FULMAR_* variables, then the defaults.

import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface StartOptions {
  /** 0: any free one. */
  port: number;
  host: string;
  /** Absolute. */
  dataDir: string;
  /** Null: the embedded Postgres in the data folder. */
  databaseUrl: string | null;
  plan: "free" | "local";
  /** Of each kind, that a new deployment gets and stays with; null: one, and it grows by itself. */
  shards: number | null;
  /** Origin in the API's URLs and in mails; null: made from host and port. */
  publicUrl: string | null;
}

export const startHelp = `Usage: npm start -- [options]

  --port N            port to listen on; 0 takes a free one            FULMAR_PORT          8787
  --host ADDRESS      address to listen on                             FULMAR_HOST          127.0.0.1
  --data FOLDER       where everything is kept                         FULMAR_DATA          .fulmar
  --database-url URL  a Postgres of your own, not the embedded one     FULMAR_DATABASE_URL
  --plan PLAN         plan of new accounts: local (no counts and       FULMAR_PLAN          local
                      rates) or free (what a customer meets)
  --shards N          shards of each kind of a new deployment, each    FULMAR_SHARDS        it grows
                      takes 8,000 connections: it does not grow then                        by itself
  --public-url URL    how others reach the service                     FULMAR_PUBLIC_URL    http://localhost:PORT
  --help              this text`;

const SHARDS_MAX = 1_024;

const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  data: { type: "string" },
  "database-url": { type: "string" },
  plan: { type: "string" },
  shards: { type: "string" },
  "public-url": { type: "string" },
  help: { type: "boolean" },
} as const;

/** Reads arguments and variables; "help" if that was asked for. Throws an error of one line. */
export function readStartOptions(args: string[], env: Record<string, string | undefined>): StartOptions | "help" {
  const { values } = parsed(args);
  if (values.help === true) return "help";
  const option = (name: Exclude<keyof typeof OPTIONS, "help">): string | undefined => {
    const value = values[name] ?? env[`FULMAR_${name.toUpperCase().replaceAll("-", "_")}`];
    return value === "" ? undefined : value;
  };
  return {
    port: portOf(option("port") ?? "8787"),
    host: option("host") ?? "127.0.0.1",
    dataDir: resolve(option("data") ?? ".fulmar"),
    databaseUrl: option("database-url") ?? null,
    plan: planOf(option("plan") ?? "local"),
    shards: shardsOf(option("shards")),
    publicUrl: originOf(option("public-url")),
  };
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false });
  } catch (error) {
    const [first] = (error as Error).message.split(/\.\s|\n/, 1);
    throw new Error(`${first} (--help lists the options)`, { cause: error });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`the port must be a number from 0 to 65535, not "${text}"`);
  return port;
}

function planOf(text: string): "free" | "local" {
  if (text === "free" || text === "local") return text;
  throw new Error(`the plan must be "free" or "local", not "${text}"`);
}

function shardsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const shards = Number(text);
  if (/^\d+$/.test(text) && shards >= 1 && shards <= SHARDS_MAX) return shards;
  throw new Error(`the shards must be a number from 1 to ${SHARDS_MAX}, not "${text}"`);
}

function originOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Error(`the public URL must look like https://mqtt.example.com, not "${text}"`);
  }
  return url.origin;
}
