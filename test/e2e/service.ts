// The service as a person starts it: scripts/start.ts as a process of its own, on a free port, with a data folder of its
// own, that can be stopped, killed and started again.

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { IClientOptions } from "mqtt";
import { Inbox } from "../../scripts/demo/inbox.ts";
import { ServiceApi, type NewDeployment } from "../../scripts/demo/service-api.ts";
import { claimPort } from "../../scripts/start/claim-port.ts";
import { Output } from "./output.ts";

const startScript = fileURLToPath(new URL("../../scripts/start.ts", import.meta.url));
const READY_MS = 60_000;

/** How a run of the start script ended. */
export interface Ended {
  code: number | null;
  output: string;
}

export class StartedService {
  readonly port: number;
  readonly dataDir: string;
  readonly url: string;
  #args: string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, dataDir: string, args: string[]) {
    this.port = port;
    this.dataDir = dataDir;
    this.url = `http://localhost:${port}`;
    this.#args = ["--port", String(port), "--data", dataDir, ...args];
  }

  /** Starts with more arguments if given and waits until it says that it is ready. */
  static async start(args: string[] = []): Promise<StartedService> {
    const dataDir = await mkdtemp(join(tmpdir(), "fulmar-e2e-"));
    const service = new StartedService(await claimPort("127.0.0.1", 0), dataDir, args);
    await service.again();
    return service;
  }

  /** Starts it on the same port and data. */
  async again(): Promise<void> {
    const { child, output } = spawnStart(this.#args);
    this.#child = child;
    const exited = once(child, "exit");
    const timer = setTimeout(() => child.kill("SIGKILL"), READY_MS);
    try {
      await Promise.race([
        output.until((text) => text.includes("Fulmar is ready")),
        exited.then(() => Promise.reject(new Error(`the service did not start: ${output.text()}`))),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it as `kill -9` does, at whatever it does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends workerd alone, as `kill -9` does. Linux only. */
  async killWorkerd(): Promise<void> {
    const pid = this.#child?.pid ?? 0;
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").map(Number);
    let killed = 0;
    for (const child of children) {
      if (!(await readFile(`/proc/${child}/cmdline`, "utf8")).includes("workerd")) continue;
      process.kill(child, "SIGKILL");
      killed += 1;
    }
    if (killed === 0) throw new Error("the service has no workerd");
  }

  /** Ends it as Ctrl-C does; the exit code. */
  async stop(signal: "SIGINT" | "SIGTERM" = "SIGTERM"): Promise<number | null> {
    return await this.#end(signal);
  }

  /** Stops it, if it runs, and removes its data. */
  async dispose(): Promise<void> {
    await this.#end("SIGTERM");
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, "exit");
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

/** Runs the start script to its end. */
export async function runStart(args: string[]): Promise<Ended> {
  const { child, output } = spawnStart(args);
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, output: output.text() };
}

/** A new account of the service at `url`. */
export async function signUp(url: string): Promise<ServiceApi> {
  const email = `e2e-${randomBytes(8).toString("hex")}@example.com`;
  return await ServiceApi.signUp(url, email, "a password for tests");
}

/** A new account with a new deployment. */
export async function newDeployment(url: string): Promise<NewDeployment> {
  return await (await signUp(url)).createDeployment("e2e");
}

/** Connects to a deployment with its first user: a clean session unless told otherwise. */
export async function connect(made: NewDeployment, options: IClientOptions = {}): Promise<Inbox> {
  return await Inbox.connect(made.deployment.endpoints.mqtt, { ...made.credentials, ...options });
}

/** Options of a client whose session outlives its connection, for either protocol version. */
export function persistent(clientId: string, protocolVersion: 4 | 5): IClientOptions {
  const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {};
  return { clientId, protocolVersion, clean: false, ...properties };
}

function spawnStart(args: string[]): { child: ChildProcess; output: Output } {
  const child = spawn(process.execPath, [startScript, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  return { child, output: new Output(child) };
}
