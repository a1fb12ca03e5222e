// Fulmar as `npm start` runs it, with a deployment made as a customer makes one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startService } from "../../scripts/start/start-service.ts";
import { descendant } from "../processes.ts";
import type { Broker } from "./broker.ts";

export interface FulmarOptions {
  /** How many session shards and topic shards the deployment has. */
  shards: number;
  /** Use the build of the Worker that counts (bench/worker). */
  counting?: boolean;
  /** Milliseconds that every frame between isolates and every commit is made to take, with the build that counts. */
  delayMs?: number;
  inspectorPort?: number;
  /** Settings of the deployment that are not their defaults. */
  settings?: Record<string, unknown>;
}

export interface Fulmar extends Broker {
  readonly dataDir: string;
  /** Reads from the deployment's API; `path` behind /api/v5. */
  ask(path: string): Promise<unknown>;
  /** A request of its owner about the deployment itself; `path` behind its own. */
  manage(method: "GET" | "PATCH", path: string, body?: unknown): Promise<unknown>;
}

interface Created {
  token: string | null;
  deployment: { id: string; endpoints: { mqtt: string; api: string } };
  credentials: { username: string; password: string };
  apiKey: { key: string; secret: string };
}

/** Asked once: each service that starts makes a folder of its own the one for temporary files. */
const temporaryFolder = tmpdir();

const COUNTING_ENTRY = "bench/worker/entry.ts";

export async function startFulmar({
  shards,
  counting = false,
  delayMs = 0,
  inspectorPort,
  settings,
}: FulmarOptions): Promise<Fulmar> {
  const dataDir = await mkdtemp(join(temporaryFolder, "fulmar-bench-"));
  const service = await startService(
    { port: 0, host: "127.0.0.1", dataDir, databaseUrl: null, plan: "local", shards, publicUrl: null },
    {
      printMails: false,
      inspectorPort,
      ...(counting && { entry: COUNTING_ENTRY, vars: { BENCH_DELAY_MS: String(delayMs) } }),
    },
  );
  const stop = async () => {
    await service.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const { token, deployment, credentials, apiKey } = await createDeployment(service.localUrl, settings);
    const headers = { Authorization: `Basic ${btoa(`${apiKey.key}:${apiKey.secret}`)}` };
    const apiUrl = deployment.endpoints.api.replace("localhost", "127.0.0.1");
    return {
      name: "fulmar",
      dataDir,
      ask: async (path) => (await fetch(`${apiUrl}${path}`, { headers })).json(),
      manage: async (method, path, body) => {
        const answer = await fetch(`${service.localUrl}/api/deployments/${deployment.id}${path}`, {
          method,
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return answer.json();
      },
      target: {
        url: deployment.endpoints.mqtt.replace("localhost", "127.0.0.1"),
        ...credentials,
        pid: await descendant(process.pid, "workerd"),
        ...(counting && { countsUrl: `${service.localUrl}/bench/counts` }),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function createDeployment(origin: string, settings: Record<string, unknown> = {}): Promise<Created> {
  const account = { name: "bench", email: `bench-${process.pid}@example.com`, password: "a password for the bench" };
  const signUp = await post(`${origin}/api/auth/sign-up/email`, account);
  const token = signUp.headers.get("set-auth-token");
  const created = await post(
    `${origin}/api/deployments`,
    { name: "bench", settings },
    { Authorization: `Bearer ${token}` },
  );
  return { token, ...((await created.json()) as Omit<Created, "token">) };
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}
