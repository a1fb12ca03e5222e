// A script of the project as a person runs it through npm, in a session of its own, with all of its processes: npm, the
// shell that npm starts, the script, and what that starts. Linux only: it reads /proc.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { claimPort } from "../../scripts/start/claim-port.ts";
import { processEntry } from "../../scripts/start/process-entry.ts";
import { Output } from "./output.ts";

const projectRoot = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS = 60_000;

export interface NpmRunOptions {
  script: "start" | "dev" | "demo";
  /** What it says when it can be ended. */
  ready: string;
  /** Npm's script-shell: dash stays beside the script, bash becomes the script. */
  shell?: "sh" | "bash";
}

export class NpmRun {
  readonly port: number;
  /** Its data and its temporary files. */
  readonly folder: string;
  /** All of its processes by their ids, npm first, and when each was started. */
  readonly processes = new Map<number, string>();
  #npm: ChildProcess | null = null;
  #options: NpmRunOptions;

  private constructor(port: number, folder: string, options: NpmRunOptions) {
    this.port = port;
    this.folder = folder;
    this.#options = options;
  }

  /** Runs the script and waits until it says that it is ready. */
  static async start(options: NpmRunOptions): Promise<NpmRun> {
    const folder = await mkdtemp(join(tmpdir(), "fulmar-npm-"));
    const run = new NpmRun(await claimPort("127.0.0.1", 0), folder, options);
    await run.again();
    return run;
  }

  /** Runs it on the same port and folder. */
  async again(): Promise<void> {
    const { script, ready, shell = "sh" } = this.#options;
    const options = script === "demo" ? [] : ["--port", String(this.port), "--data", join(this.folder, "data")];
    const npm = spawn("npm", ["run", script, "--", ...options], {
      cwd: projectRoot,
      env: { ...process.env, npm_config_script_shell: shell, TMPDIR: this.folder },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#npm = npm;
    const output = new Output(npm);
    const exited = once(npm, "exit");
    const timer = setTimeout(() => npm.kill("SIGKILL"), READY_MS);
    try {
      await Promise.race([
        output.until((text) => text.includes(ready)),
        exited.then(() => Promise.reject(new Error(`npm run ${script} ended: ${output.text()}`))),
      ]);
    } finally {
      clearTimeout(timer);
      await this.#findProcesses(Number(npm.pid));
    }
  }

  /** The process id of the script itself, for one that keeps data. */
  async script(): Promise<number> {
    const { pid } = JSON.parse(await readFile(join(this.folder, "data", "lock"), "utf8")) as { pid: number };
    return pid;
  }

  /** Signals npm alone; how npm ended. */
  async signalNpm(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    return await this.#ended((npm) => npm.kill(signal));
  }

  /** Signals all of it at once, as a terminal does; how npm ended. */
  async signalAll(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    return await this.#ended((npm) => process.kill(-Number(npm.pid), signal));
  }

  /** The processes that still live, each as its id and name. */
  living(): string[] {
    return [...this.processes].flatMap(([pid, started]) => {
      const entry = processEntry(pid);
      return entry?.started === started ? [`${pid} ${entry.name}`] : [];
    });
  }

  /** Kills what still lives and removes the folder. */
  async dispose(): Promise<void> {
    for (const line of this.living()) process.kill(Number.parseInt(line, 10), "SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  async #ended(signal: (npm: ChildProcess) => unknown): Promise<number | NodeJS.Signals | null> {
    if (this.#npm === null) throw new Error("npm has not been started");
    const exited = once(this.#npm, "exit");
    signal(this.#npm);
    const [code, by] = (await exited) as [number | null, NodeJS.Signals | null];
    return code ?? by;
  }

  /** Npm and all below it, each behind its parent. */
  async #findProcesses(npmPid: number): Promise<void> {
    const names = await readdir("/proc");
    const entries = names.flatMap((name) => {
      const entry = /^\d+$/.test(name) ? processEntry(Number(name)) : null;
      return entry === null ? [] : [{ pid: Number(name), ...entry }];
    });
    const add = (pid: number, started: string) => {
      this.processes.set(pid, started);
      for (const entry of entries) if (entry.parent === pid) add(entry.pid, entry.started);
    };
    const npm = entries.find(({ pid }) => pid === npmPid);
    if (npm !== undefined) add(npm.pid, npm.started);
  }
}
