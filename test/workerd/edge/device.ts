// A device at a deployment's real endpoint: raw MQTT over a WebSocket that the Worker itself upgraded, with a real
// Deployment object and real shards behind it.

import { env, SELF } from "cloudflare:test";
import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import type { DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { makeDeploymentId } from "../../../src/contracts/deployment-id.ts";
import type { Env } from "../../../src/platform/env.ts";
import { PASSWORD, WholeDeployment } from "../deployment/deployment-client.ts";

export const bindings = env as unknown as Env;

export type ProtocolVersion = 3 | 4 | 5;

type Cmd = Packet["cmd"];
type Of<C extends Cmd> = Extract<Packet, { cmd: C }>;
type Waiter = { cmd: Cmd; resolve: (packet: Packet) => void; reject: (error: Error) => void };

/** An id whose MAC is right. */
export function newId() {
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  return makeDeploymentId("auto", bindings.DEPLOYMENT_ID_KEY, random);
}

/** A deployment with the user `first`. */
export async function served(shards = 1, change: Partial<DeploymentConfig> = {}): Promise<WholeDeployment> {
  return WholeDeployment.whole(await newId(), shards, change);
}

export function urlOf({ id }: { id: string }): string {
  return `http://localhost/d/${id}/mqtt`;
}

/** Asks for an upgrade with a subprotocol. */
export function upgrade(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return SELF.fetch(url, { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "mqtt", ...headers } });
}

export interface ConnectOptions {
  version?: ProtocolVersion;
  username?: string | null;
  password?: string | null;
  clean?: boolean;
  keepalive?: number;
  properties?: Record<string, unknown>;
  will?: Record<string, unknown>;
}

/** A CONNECT packet; by default 5.0 of the user `first`. */
export function connectPacket(clientId: string, options: ConnectOptions = {}): Packet {
  const {
    version = 5,
    username = "first",
    password = PASSWORD,
    clean = true,
    keepalive = 60,
    properties,
    will,
  } = options;
  return {
    cmd: "connect",
    protocolId: version === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: version,
    clean,
    clientId,
    keepalive,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(properties === undefined ? {} : { properties }),
    ...(will === undefined ? {} : { will }),
  } as Packet;
}

export class Device {
  readonly version: ProtocolVersion;
  /** Resolves to the close code of the WebSocket. */
  readonly closed: Promise<number>;
  /** Packets that nobody has taken. */
  readonly untaken: Packet[] = [];
  readonly #socket: WebSocket;
  readonly #parser: ReturnType<typeof mqttPacket.parser>;
  #waiters: Waiter[] = [];
  #isClosed = false;

  private constructor(socket: WebSocket, version: ProtocolVersion) {
    this.#socket = socket;
    this.version = version;
    this.#parser = mqttPacket.parser({ protocolVersion: version });
    this.#parser.on("packet", (packet) => this.#onPacket(packet));
    this.#parser.on("error", (error) => this.#fail(error));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.#parser.parse(Buffer.from(data as ArrayBuffer));
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code }) => {
        this.#isClosed = true;
        this.#fail(new Error(`closed with ${code}`));
        resolve(code);
      });
    });
    socket.accept();
  }

  /** A WebSocket to the endpoint; nothing is sent yet. */
  static async open(deployment: { id: string }, version: ProtocolVersion = 5, address = "192.0.2.9"): Promise<Device> {
    const response = await upgrade(urlOf(deployment), { "CF-Connecting-IP": address });
    if (response.webSocket === null) throw new Error(`no upgrade: ${response.status} ${await response.text()}`);
    return new Device(response.webSocket, version);
  }

  /** Opens and sends CONNECT; the CONNACK is there to be taken. */
  static async attempt(deployment: { id: string }, clientId: string, options: ConnectOptions = {}): Promise<Device> {
    const device = await Device.open(deployment, options.version);
    device.send(connectPacket(clientId, options));
    return device;
  }

  /** Connected, or an error. */
  static async connect(deployment: { id: string }, clientId: string, options: ConnectOptions = {}): Promise<Device> {
    const device = await Device.attempt(deployment, clientId, options);
    const { reasonCode, returnCode } = await device.take("connack");
    if ((reasonCode ?? 0) !== 0 || (returnCode ?? 0) !== 0) throw new Error(`refused: ${reasonCode} ${returnCode}`);
    return device;
  }

  /** Sends packets in one frame. */
  send(...packets: Packet[]): void {
    this.bytes(this.encode(...packets));
  }

  encode(...packets: Packet[]): Uint8Array {
    return Buffer.concat(packets.map((packet) => mqttPacket.generate(packet, { protocolVersion: this.version })));
  }

  /** Sends these bytes as one frame. */
  bytes(data: Uint8Array | number[]): void {
    this.#socket.send(Uint8Array.from(data));
  }

  text(data: string): void {
    this.#socket.send(data);
  }

  /** The next packet of this kind. Rejects when the connection closes before it comes. */
  take<C extends Cmd>(cmd: C): Promise<Of<C>> {
    const at = this.untaken.findIndex((packet) => packet.cmd === cmd);
    const [found] = at < 0 ? [] : this.untaken.splice(at, 1);
    if (found !== undefined) return Promise.resolve(found as Of<C>);
    if (this.#isClosed) return Promise.reject(new Error(`no ${cmd}: the connection is closed`));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ cmd, resolve: (packet) => resolve(packet as Of<C>), reject });
    });
  }

  /** Subscribes and returns the reason codes. */
  async subscribe(...subscriptions: (string | { topic: string; qos?: 0 | 1 | 2; [option: string]: unknown })[]) {
    const asked = subscriptions.map((each) => (typeof each === "string" ? { topic: each } : each));
    const defaults = this.version === 5 ? { qos: 1, nl: false, rap: false, rh: 0 } : { qos: 1 };
    this.send({
      cmd: "subscribe",
      messageId: 10,
      subscriptions: asked.map((each) => ({ ...defaults, ...each })),
    } as Packet);
    return (await this.take("suback")).granted as number[];
  }

  /** Publishes at QoS 1 and returns the PUBACK's reason code (0 where there is none). */
  async publish(topic: string, payload: string | Uint8Array, options: Partial<Of<"publish">> = {}): Promise<number> {
    this.send({
      cmd: "publish",
      topic,
      payload: payload as string,
      qos: 1,
      retain: false,
      dup: false,
      messageId: 1,
      ...options,
    });
    return (await this.take("puback")).reasonCode ?? 0;
  }

  /** The next message, acknowledged. */
  async message(): Promise<Of<"publish">> {
    const publish = await this.take("publish");
    if (publish.qos === 1) this.send({ cmd: "puback", messageId: publish.messageId ?? 0 });
    return publish;
  }

  /** The service answers a PINGREQ, so whatever was sent before it has been read. */
  async ping(): Promise<void> {
    this.send({ cmd: "pingreq" });
    await this.take("pingresp");
  }

  /** The reason code of the DISCONNECT that ends the connection; null: it was closed without one. */
  async ended(): Promise<number | null> {
    await this.closed;
    const at = this.untaken.findIndex(({ cmd }) => cmd === "disconnect");
    return at < 0 ? null : ((this.untaken[at] as Of<"disconnect">).reasonCode ?? 0);
  }

  /** Breaks off without a DISCONNECT. */
  drop(): void {
    this.#socket.close(1000, "");
  }

  #onPacket(packet: Packet): void {
    const at = this.#waiters.findIndex(({ cmd }) => cmd === packet.cmd);
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter === undefined) this.untaken.push(packet);
    else waiter.resolve(packet);
  }

  #fail(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
  }
}
