// What npm runs ends with npm, however that ends, and leaves no process, no lock and no folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { claimPort } from "../../scripts/start/claim-port.ts";
import { processEntry } from "../../scripts/start/process-entry.ts";
import { NpmRun, type NpmRunOptions } from "./npm-run.ts";
import { Output } from "./output.ts";

const START = { script: "start", ready: "Fulmar is ready" } as const;
const DEV = { script: "dev", ready: "Ready on" } as const;
const DEMO = { script: "demo", ready: "Connected a subscriber" } as const;

/** A look every half second, and the time to close. */
const WITHIN = { timeout: 5_000, interval: 50 };

describe.skipIf(process.platform !== "linux")("what npm runs", () => {
  let run: NpmRun | null = null;
  const begin = async (options: NpmRunOptions) => (run = await NpmRun.start(options));
  afterEach(async () => {
    await run?.dispose();
    run = null;
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("npm start stops cleanly on %s to npm", async (signal) => {
    const started = await begin(START);
    expect(await started.signalNpm(signal)).toBe(signal);
    await expect.poll(() => started.living(), WITHIN).toEqual([]);
    expect(await readdir(join(started.folder, "data"))).not.toContain("lock");
    expect(await claimPort("127.0.0.1", started.port)).toBe(started.port);
  });

  it("npm start can be begun anew at once behind a SIGTERM to npm", async () => {
    const started = await begin(START);
    await started.signalNpm("SIGTERM");
    await started.again();
    expect((await fetch(`http://127.0.0.1:${started.port}/health`)).status).toBe(200);
  });

  it.each(["sh", "bash"] as const)("npm start ends cleanly on Ctrl-C where npm's shell is %s", async (shell) => {
    const started = await begin({ ...START, shell });
    await started.signalAll("SIGINT");
    await expect.poll(() => started.living(), WITHIN).toEqual([]);
    expect(await readdir(join(started.folder, "data"))).not.toContain("lock");
  });

  it("npm run dev stops on SIGTERM to npm", async () => {
    const started = await begin(DEV);
    expect(await started.signalNpm("SIGTERM")).toBe("SIGTERM");
    await expect.poll(() => started.living(), WITHIN).toEqual([]);
    expect(await readdir(join(started.folder, "data"))).not.toContain("lock");
  });

  it("npm run dev, killed, leaves no wrangler behind", async () => {
    const started = await begin(DEV);
    process.kill(await started.script(), "SIGKILL");
    await expect.poll(() => started.living(), WITHIN).toEqual([]);
  });

  it("npm run demo, stopped half-way, removes its service and its folder", async () => {
    const started = await begin(DEMO);
    await started.signalAll("SIGINT");
    await expect.poll(() => started.living(), WITHIN).toEqual([]);
    expect((await readdir(started.folder)).filter((name) => name.startsWith("fulmar-demo-"))).toEqual([]);
  });
});

it.skipIf(process.platform !== "linux")(
  "a service that is started without npm outlives who started it, and a hang-up",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "fulmar-direct-"));
    const start = fileURLToPath(new URL("../../scripts/start.ts", import.meta.url));
    const port = await claimPort("127.0.0.1", 0);
    // The shell stays until its standard input ends, and then leaves the service behind.
    const shell = spawn(
      "sh",
      ["-c", '"$@" </dev/null & echo "service $!"; read line', "sh"].concat([
        process.execPath,
        start,
        "--port",
        String(port),
        "--data",
        folder,
      ]),
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    const output = new Output(shell);
    await output.until((text) => text.includes("Fulmar is ready"));
    const service = Number(/service (\d+)/.exec(output.text())?.[1]);
    try {
      expect(processEntry(service)?.parent).toBe(shell.pid);
      const exited = once(shell, "exit");
      shell.stdin.end();
      await exited;
      process.kill(service, "SIGHUP");
      // Longer than two looks of one that npm runs.
      const until = performance.now() + 1_200;
      while (performance.now() < until) expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
      expect(processEntry(service)?.parent).not.toBe(shell.pid);
    } finally {
      process.kill(service, "SIGTERM");
      await expect.poll(() => processEntry(service), WITHIN).toBeNull();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
