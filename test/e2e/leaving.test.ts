// Devices that break off while their CONNECT is judged: the runtime ends a connection's invocation when its device is
// gone, and what was begun for it must be undone even so. Only real sockets show that.

import { once } from "node:events";
import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { callDeployment, type NewDeployment } from "../../scripts/demo/service-api.ts";
import { connect, newDeployment, StartedService } from "./service.ts";

const DEVICES = 300;
/** So long after their CONNECT those of a wave leave, evenly spread: which moment hits depends on the machine. */
const WAVES_MS = [30, 60, 100, 150, 250, 400];

let service: StartedService;
let made: NewDeployment;

beforeAll(async () => {
  service = await StartedService.start();
  made = await newDeployment(service.url);
});
afterAll(async () => await service.dispose());

async function clients(query: string): Promise<number> {
  const response = await callDeployment(made, "GET", `/clients?limit=1${query}`);
  return ((await response.json()) as { meta: { count: number } }).meta.count;
}

/** Sends CONNECT and breaks off. */
async function leave(clientId: string, afterMs: number): Promise<void> {
  const { username, password } = made.credentials;
  const socket = new WebSocket(made.deployment.endpoints.mqtt, ["mqtt"]);
  await once(socket, "open");
  const usual = { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: false, keepalive: 60 };
  const properties = { sessionExpiryInterval: 300 };
  socket.send(mqttPacket.generate({ ...usual, properties, clientId, username, password } as unknown as Packet));
  setTimeout(() => socket.terminate(), afterMs);
  await once(socket, "close");
}

it("leave nobody connected", async () => {
  for (const wave of WAVES_MS) {
    await Promise.all(Array.from({ length: DEVICES }, (_, i) => leave(`${wave}-${i}`, (wave * i) / DEVICES)));
  }
  // Who comes last shows that those before it were judged.
  const last = await connect(made, { protocolVersion: 5 });
  await expect.poll(() => clients("&conn_state=connected"), { timeout: 10_000 }).toBe(1);
  expect(await clients("")).toBeGreaterThan(1);
  await last.end();
});
