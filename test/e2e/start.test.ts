// The start itself: what it says when it cannot, what it leaves behind when it ends, one way or the other.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimPort } from "../../scripts/start/claim-port.ts";
import { Output } from "./output.ts";
import { runStart, StartedService } from "./service.ts";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "fulmar-start-"))));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

it.skipIf(process.platform !== "linux")("takes a free port that no outgoing connection can take first", async () => {
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  expect(await claimPort("127.0.0.1", 0)).toBeLessThan(Number.parseInt(range, 10));
});

describe("refuses with one clear line and exit code 1", () => {
  const refused = async (args: string[], says: RegExp) => {
    const { code, output } = await runStart(args);
    expect(output).toMatch(says);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  };

  it.each([
    [["--prot", "1"], /^fulmar: Unknown option '--prot'/],
    [["--port", "-1"], /^fulmar: Option '--port' argument is ambiguous \(--help lists the options\)/],
    [["--port", "http"], /^fulmar: the port must be a number from 0 to 65535, not "http"/],
    [["--shards", "0"], /^fulmar: the shards must be a number from 1 to 1024, not "0"/],
    [["--plan", "gold"], /^fulmar: the plan must be "free" or "local", not "gold"/],
    [["--public-url", "mqtt.example.com"], /^fulmar: the public URL must look like/],
    [["--host", "203.0.113.7"], /^fulmar: cannot listen on 203\.0\.113\.7/],
    [["--database-url", "mysql://localhost/x"], /^fulmar: the database URL must look like postgres:/],
    [["--database-url", "postgres://u:p@127.0.0.1:1/x"], /^fulmar: cannot reach the database at 127\.0\.0\.1:1/],
  ])("%j", async (args, says) => {
    await refused(["--data", join(folder, "options"), "--port", "0", ...args], says);
  });

  it("a taken port", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await refused(["--port", String(port), "--data", join(folder, "taken")], /^fulmar: port \d+ on 127.0.0.1 is taken/);
    server.close();
  });

  it("a data folder that is a file", async () => {
    await writeFile(join(folder, "file"), "");
    await refused(["--port", "0", "--data", join(folder, "file")], /^fulmar: cannot use the data folder .*no folder/);
  });

  it("damaged secrets", async () => {
    const dataDir = join(folder, "damaged");
    await mkdir(dataDir);
    await writeFile(join(dataDir, "secrets.json"), "{");
    await refused(["--port", "0", "--data", dataDir], /^fulmar: cannot read .*secrets\.json/);
  });

  it("a folder that is no database", async () => {
    const dataDir = join(folder, "no-database");
    await mkdir(join(dataDir, "postgres"), { recursive: true });
    await writeFile(join(dataDir, "postgres", "holiday.jpg"), "");
    await refused(["--port", "0", "--data", dataDir], /^fulmar: cannot open the database in /);
  });
});

it("says what its options are", async () => {
  const { code, output } = await runStart(["--help"]);
  expect(code).toBe(0);
  expect(output).toContain("--database-url");
});

describe("started", () => {
  let service: StartedService;
  beforeAll(async () => (service = await StartedService.start()));
  afterAll(async () => await service.dispose());

  it("is ready again on the same port and data", async () => {
    await service.stop();
    await service.again();
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
  });

  it("keeps its secrets from others", async () => {
    expect((await stat(join(service.dataDir, "secrets.json"))).mode & 0o777).toBe(0o600);
  });

  it("lets no second one use its data", async () => {
    const { code, output } = await runStart(["--port", "0", "--data", service.dataDir]);
    expect(output).toMatch(/^fulmar: .* is in use by process \d+: stop it/);
    expect(code).toBe(1);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "ends cleanly on %s, with nothing left that holds the port",
    async (signal) => {
      expect(await service.stop(signal)).toBe(0);
      expect(await claimPort("127.0.0.1", service.port)).toBe(service.port);
      expect(await readdir(service.dataDir)).not.toContain("lock");
      await service.again();
    },
  );

  it.skipIf(process.platform !== "linux")("comes back by itself when workerd alone is killed", async () => {
    await service.killWorkerd();
    const healthy = async () => (await fetch(`${service.url}/health`).catch(() => null))?.status;
    await expect.poll(healthy, { timeout: 10_000 }).toBe(200);
  });

  it("killed, leaves nothing in the way of the next", async () => {
    await service.kill();
    await service.again();
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
  });
});

it.skipIf(process.platform !== "linux")("stopped half-way by Ctrl-C, ends without a complaint", async () => {
  const dataDir = join(folder, "half-way");
  const start = fileURLToPath(new URL("../../scripts/start.ts", import.meta.url));
  const child = spawn(process.execPath, [start, "--port", "0", "--data", dataDir], { detached: true, stdio: "pipe" });
  const output = new Output(child);
  const closed = once(child, "close");
  // Its first child bundles the Worker. As a terminal does, the signal goes to both.
  const children = async () => await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  await expect.poll(children, { timeout: 20_000, interval: 20 }).not.toBe("");
  process.kill(-Number(child.pid), "SIGINT");
  const [code] = (await closed) as [number | null];
  expect(output.text()).not.toContain("fulmar:");
  expect(code).toBe(0);
  expect(await readdir(dataDir)).not.toContain("lock");
});

describe("the demo", () => {
  it.each([
    [["--url", "http://127.0.0.1:1"], "demo: cannot reach the service: "],
    [["--url", "localhost:8787"], 'demo: the URL must look like http://localhost:8787, not "localhost:8787"'],
    [["--ulr", "x"], "demo: Unknown option '--ulr'"],
  ])("refuses %j with one clear line and exit code 1", async (args, says) => {
    const { code, output } = await runDemo(args);
    expect(output.startsWith(says), output).toBe(true);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  });

  it("runs against a service and leaves nothing behind", async () => {
    const service = await StartedService.start();
    try {
      const { code, output } = await runDemo(["--url", `${service.url}/`]);
      expect(output).toContain("All of it happened.");
      expect(code).toBe(0);
    } finally {
      await service.dispose();
    }
  });
});

async function runDemo(args: string[]): Promise<{ code: number | null; output: string }> {
  const demo = fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url));
  const child = spawn(process.execPath, [demo, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = new Output(child);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output: output.text() };
}
