// workerd with the built Worker, through Miniflare: bindings as wrangler.toml names them, objects' storage on disk.

import { createRequire } from "node:module";
import { Miniflare, MiniflareCoreError, type MiniflareOptions, type Request, type Response } from "miniflare";
import type { BuiltWorker } from "./build-worker.ts";
import { portTaken } from "./claim-port.ts";
import { guardPath, guardVariables } from "./guard.ts";

/** A Worker as Miniflare takes it. */
export type BesideWorker = MiniflareOptions["workers"][number];

export interface WorkerdOptions {
  worker: BuiltWorker;
  host: string;
  port: number;
  /** Where the objects' SQLite files are kept. */
  objectsDir: string;
  /** Variables and secrets of the Worker. */
  vars: Record<string, string>;
  /** Behind the MAILER binding. */
  mailer: (request: Request) => Promise<Response>;
  /** Workers that run in the same workerd, and may have bindings to the objects. */
  beside: readonly BesideWorker[];
  inspectorPort: number | undefined;
}

/** How much V8 allocates before it collects what is young. Each event of the platform leaves objects that such a collection
 *  copies instead of freeing, so the fewer of them the better: with V8's own 16 MiB the slowest hundredth of messages waited
 *  twice as long under full load. An idle service takes no more memory for it. */
const V8_FLAGS = "--min-semi-space-size=64 --max-semi-space-size=64";

/** Starts it and waits until it listens. workerd ends with this process, however that ends. Throws an error of one line. */
export async function startWorkerd(options: WorkerdOptions): Promise<Miniflare> {
  guardWorkerd();
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] ??= V8_FLAGS;
  const { worker } = options;
  const restoreSignals = keepSignals();
  const miniflare = new Miniflare({
    // Miniflare's own entry, which nobody uses: the Worker has a socket of its own, without a proxy before it.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    enableDevRegistry: false,
    inspectorPort: options.inspectorPort,
    resourcePersistencePath: options.objectsDir,
    handleStructuredLogs: ({ level, message }) => (level === "error" ? console.error(message) : console.log(message)),
    workers: [
      {
        config: {
          name: worker.name,
          compatibilityDate: worker.compatibilityDate,
          compatibilityFlags: worker.compatibilityFlags,
          manifest: {
            mainModule: "index.js",
            modules: { "index.js": { type: "esm", contents: worker.script } },
          },
          env: {
            ...texts(options.vars),
            ...objectBindings(worker),
            MAILER: { type: "fetcher", handler: options.mailer },
          },
          exports: Object.fromEntries(
            worker.objects.map(({ className }) => [className, { type: "durable-object", storage: "sqlite" } as const]),
          ),
        },
        dev: { cacheAPI: false, unsafeDirectSockets: [{ host: options.host, port: options.port }] },
      },
      ...options.beside,
    ],
  });
  restoreSignals();
  try {
    await miniflare.ready;
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    const taken = error instanceof MiniflareCoreError && error.code === "ERR_ADDRESS_IN_USE";
    const reason = taken ? portTaken(options.host, options.port) : messageOf(error);
    throw new Error(`workerd does not start: ${reason}`, { cause: error });
  }
  return miniflare;
}

/** Miniflare would end the process at once on a signal; whoever starts it decides. Its hook on `exit` stays. */
function keepSignals(): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  return () => {
    for (const signal of signals) {
      for (const listener of process.listeners(signal)) {
        if (before.get(signal)?.includes(listener) === false) process.removeListener(signal, listener);
      }
    }
  };
}

/** Has Miniflare run workerd through the guard. */
function guardWorkerd(): void {
  if (guardPath === null || process.env["MINIFLARE_WORKERD_PATH"] !== undefined) return;
  const fromMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  const { default: workerd } = fromMiniflare("workerd") as { default: string };
  Object.assign(process.env, guardVariables(workerd, "KILL"), { MINIFLARE_WORKERD_PATH: guardPath });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function texts(vars: Record<string, string>) {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, { type: "text", value } as const]));
}

function objectBindings(worker: BuiltWorker) {
  return Object.fromEntries(
    worker.objects.map(({ binding, className }) => [
      binding,
      { type: "durable-object", worker: worker.name, exportName: className } as const,
    ]),
  );
}
