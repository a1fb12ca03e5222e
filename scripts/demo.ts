// `npm run demo`: the main way, step by step, for a reader: sign up, create a deployment, connect devices, exchange
// messages. Against the service at --url, or one that it starts for itself and leaves nothing of.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Inbox } from "./demo/inbox.ts";
import { ServiceApi, callDeployment, type NewDeployment } from "./demo/service-api.ts";
import { onceStopped } from "./start/once-stopped.ts";

const HOUR = 3_600;
const WHOLE_DEMO_MS = 120_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: "string" }, help: { type: "boolean" } } });
  if (values.help === true) {
    say(
      "Usage: npm run demo -- [--url URL]\n\n  --url URL  a service that runs, such as http://localhost:8787; else one is started",
    );
    return;
  }
  const stopped = onceStopped();
  if (values.url !== undefined) return await show(originOf(values.url), stopped);
  const dataDir = await mkdtemp(join(tmpdir(), "fulmar-demo-"));
  try {
    say("Starting a service for this demo (give --url to use one that runs).");
    const { startService } = await import("./start/start-service.ts");
    const local = { host: "127.0.0.1", databaseUrl: null, plan: "local", shards: null, publicUrl: null } as const;
    const service = await startService({ ...local, port: 0, dataDir }, { printMails: false });
    try {
      await show(service.localUrl, stopped);
    } finally {
      await service.close();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Removes what it made, also when it is stopped half-way. */
async function show(url: string, stopped: Promise<void>): Promise<void> {
  const email = `demo-${randomBytes(6).toString("hex")}@example.com`;
  const api = await ServiceApi.signUp(url, email, randomBytes(16).toString("hex"));
  say(`Signed up as ${email}.`);
  const made = await api.createDeployment("demo");
  say(`Created the deployment ${made.deployment.id}, status ${made.deployment.status}.`);
  say(`  endpoint  ${made.deployment.endpoints.mqtt}`);
  say(`  user      ${made.credentials.username}`);
  try {
    await Promise.race([exchange(made), stopped.then(() => Promise.reject(new Error("stopped half-way")))]);
  } finally {
    await api.call("DELETE", `/api/deployments/${made.deployment.id}`);
  }
  say("Deleted the deployment. All of it happened.");
}

async function exchange(made: NewDeployment): Promise<void> {
  const subscriber = await connect(made, "demo-subscriber", { session: HOUR });
  say("Connected a subscriber (MQTT 5.0, session kept for an hour).");
  await subscriber.client.subscribeAsync("demo/#", { qos: 1 });
  say("  SUBSCRIBE demo/#, QoS 1");
  const publisher = await connect(made, "demo-publisher", { session: 0 });
  say("Connected a publisher.");

  for (const qos of [0, 1] as const) {
    await publisher.client.publishAsync("demo/temperature", `21.${qos}`, { qos });
    const { text } = await subscriber.message((message) => message.qos === qos);
    say(`  PUBLISH demo/temperature, QoS ${qos}: the subscriber got "${text}".`);
  }

  await publisher.client.publishAsync("demo/status", "running", { qos: 1, retain: true });
  const late = await connect(made, "demo-late", { session: 0 });
  await late.client.subscribeAsync("demo/status", { qos: 1 });
  const retained = await late.message((message) => message.retain);
  say(`A client that subscribed after it was published got the retained "${retained.text}" from demo/status.`);
  await late.end();

  await subscriber.end();
  say("The subscriber went offline.");
  await publisher.client.publishAsync("demo/alarm", "door open", { qos: 1 });
  say("  PUBLISH demo/alarm, QoS 1, acknowledged: it is in the subscriber's queue.");
  const back = await connect(made, "demo-subscriber", { session: HOUR });
  const queued = await back.message(({ topic }) => topic === "demo/alarm");
  if (!back.sessionPresent) throw new Error("the session was not there any more");
  say(`The subscriber came back to its session and got "${queued.text}".`);

  const clients = (await (await callDeployment(made, "GET", "/clients")).json()) as { data: { clientid: string }[] };
  say(`The deployment's API lists ${clients.data.map(({ clientid }) => clientid).join(" and ")}.`);
  await back.end();
  await publisher.end();
}

async function connect(made: NewDeployment, clientId: string, { session }: { session: number }): Promise<Inbox> {
  return await Inbox.connect(made.deployment.endpoints.mqtt, {
    ...made.credentials,
    clientId,
    protocolVersion: 5,
    clean: session === 0,
    properties: { sessionExpiryInterval: session },
  });
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin;
  throw new Error(`the URL must look like http://localhost:8787, not "${text}"`);
}

/** One line; a request that got no answer says why only in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.message === "fetch failed" && cause instanceof Error) {
    return `cannot reach the service: ${(cause as NodeJS.ErrnoException).code ?? cause.message}`;
  }
  return error.message.split("\n", 1)[0] ?? "unknown error";
}

function say(line: string): void {
  console.log(line);
}

const timer = setTimeout(() => {
  console.error(`demo: not done after ${WHOLE_DEMO_MS / 1_000} s`);
  process.exit(1);
}, WHOLE_DEMO_MS);
try {
  await main();
  clearTimeout(timer);
  process.exit(0);
} catch (error) {
  console.error(`demo: ${describe(error)}`);
  process.exit(1);
}
