// A client at the shard's end of the edge: opens links, speaks MQTT 5.0 packets over them, and waits for what comes.

import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { SlotMap } from "../../../src/broker/topics/slot-map.ts";
import { slotOfClientId } from "../../../src/broker/topics/slots.ts";
import type { DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { DeploymentId } from "../../../src/contracts/deployment-id.ts";
import type { Attach, Attached } from "../../../src/contracts/link.ts";
import {
  ATTACH_HEADER,
  ATTACHED_HEADER,
  attachHeader,
  LINK_HEADER_BYTES,
  LINK_URL,
  linkClose,
} from "../../../src/contracts/link.ts";
import type { ClientInfo } from "../../../src/contracts/rpc.ts";
import { sessionShardObject, topicShardObject } from "../../../src/contracts/object-names.ts";
import type { Env } from "../../../src/platform/env.ts";

const bindings = env as unknown as Env;

export const baseAttach: Omit<Attach, "clientId"> = {
  v: 1,
  protocolVersion: 5,
  cleanStart: false,
  sessionExpiryInterval: 3_600,
  keepAliveSeconds: 60,
  receiveMaximum: 65_535,
  maximumPacketSize: null,
  requestProblemInformation: true,
  username: "user",
  isSuperuser: false,
  peerAddress: "192.0.2.1",
  configVersion: 1,
  principalRevision: 0,
};

export function config(shards: number, change: Partial<DeploymentConfig> = {}): DeploymentConfig {
  return {
    v: 1,
    version: 1,
    status: "running",
    shards: { session: shards, topic: shards },
    limits: {
      sessionsMax: null,
      messagesPerSecond: null,
      subscriptionsPerClientMax: null,
      messageBytesMax: 1_048_576,
      retainedMessagesMax: null,
    },
    settings: defaultBrokerSettings,
    ...change,
  };
}

/** A deployment's shards, without its Deployment object. */
export class TestDeployment {
  readonly id: DeploymentId;
  readonly shards: number;

  constructor(id: string, shards: number) {
    this.id = id as DeploymentId;
    this.shards = shards;
  }

  static async create(id: string, shards: number, change: Partial<DeploymentConfig> = {}): Promise<TestDeployment> {
    const deployment = new TestDeployment(id, shards);
    await deployment.configure(config(shards, change));
    return deployment;
  }

  async configure(value: DeploymentConfig): Promise<void> {
    for (let i = 0; i < this.shards; i++) {
      await this.sessionShard(i).configure(this.id, i, value);
      await this.topicShard(i).configure(this.id, i, value);
    }
  }

  sessionShard(index: number) {
    return sessionShardObject(bindings.SESSION_SHARD, this.id, index);
  }

  topicShard(index: number) {
    return topicShardObject(bindings.TOPIC_SHARD, this.id, index);
  }

  /** Every shard loses its memory; links hibernate or are closed. */
  async evict(webSockets: "hibernate" | "close" = "hibernate"): Promise<void> {
    for (let i = 0; i < this.shards; i++) {
      for (const shard of [this.sessionShard(i), this.topicShard(i)]) {
        await shard.stats(); // One that sleeps already cannot be evicted.
        await evictDurableObject(shard as never, { webSockets });
      }
    }
  }

  /** Every shard dies as in a crash: what was not written is lost, all sockets break. */
  async crash(kind: "session" | "topic"): Promise<void> {
    for (let i = 0; i < this.shards; i++) {
      const shard = kind === "session" ? this.sessionShard(i) : this.topicShard(i);
      await runInDurableObject(shard as never, (_: unknown, state: DurableObjectState) => state.abort("crash")).catch(
        () => undefined,
      );
    }
  }

  /** Topic shards lose their memory. */
  async evictTopicShards(): Promise<void> {
    for (let i = 0; i < this.shards; i++) {
      await this.topicShard(i).stats();
      await evictDurableObject(this.topicShard(i) as never);
    }
  }

  sessionShardOf(clientId: string) {
    return this.sessionShard(SlotMap.even(this.shards).shardOf(slotOfClientId(clientId)));
  }

  async clientInfo(clientId: string): Promise<ClientInfo> {
    const found = await this.sessionShardOf(clientId).findClient(clientId);
    if (!found.ok || found.value === null) throw new Error(`no client ${clientId}`);
    return found.value;
  }

  connect(clientId: string, change: Partial<Attach> = {}): Promise<LinkClient> {
    return LinkClient.open(this, { ...baseAttach, ...change, clientId });
  }
}

type Waiter = { wants: (packet: Packet) => boolean; resolve: (packet: Packet) => void };

export class LinkClient {
  readonly sessionPresent: boolean;
  /** Packet ids of QoS 2 that the session has not been told to release. */
  readonly awaitingRelease: readonly number[];
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #parser = mqttPacket.parser({ protocolVersion: 5 });
  #arrived: Packet[] = [];
  #waiters: Waiter[] = [];
  /** Whether the shard gets credit back as the edge gives it. */
  returnCredit = false;
  #owed = 0;
  /** Every packet that ever came. */
  readonly log: Packet[] = [];

  private constructor(socket: WebSocket, { sessionPresent, awaitingRelease = [] }: Attached) {
    this.#socket = socket;
    this.sessionPresent = sessionPresent;
    this.awaitingRelease = awaitingRelease;
    this.#parser.on("packet", (packet) => this.#onPacket(packet));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") return;
      this.#owed += (data as ArrayBuffer).byteLength - LINK_HEADER_BYTES;
      if (this.returnCredit && this.#owed > 100_000) this.confirm(this.#owed);
      this.#parser.parse(Buffer.from(data as ArrayBuffer).subarray(LINK_HEADER_BYTES));
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve(code));
    });
    socket.accept();
  }

  static async open(deployment: TestDeployment, attach: Attach): Promise<LinkClient> {
    const response = await LinkClient.request(deployment, attach);
    if (response.webSocket === null) throw new Error(`refused: ${response.status} ${await response.text()}`);
    const attached = JSON.parse(response.headers.get(ATTACHED_HEADER) ?? '{"v":1,"sessionPresent":false}') as Attached;
    return new LinkClient(response.webSocket, attached);
  }

  static request(deployment: TestDeployment, attach: Attach): Promise<Response> {
    const headers = { Upgrade: "websocket", [ATTACH_HEADER]: attachHeader(attach) };
    return deployment.sessionShardOf(attach.clientId).fetch(new Request(LINK_URL, { headers }));
  }

  send(...packets: Packet[]): void {
    const bytes = packets.map((packet) => mqttPacket.generate(packet, { protocolVersion: 5 }));
    this.#socket.send(Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), ...bytes]));
  }

  /** Gives the shard `bytes` of credit. */
  confirm(bytes: number): void {
    this.#owed = 0;
    const frame = Buffer.alloc(LINK_HEADER_BYTES);
    frame.writeUInt8(1, 0);
    frame.writeUInt32BE(bytes, 1);
    this.#socket.send(frame);
  }

  /** The next packet of a kind that was not taken yet. */
  take<C extends Packet["cmd"]>(cmd: C): Promise<Extract<Packet, { cmd: C }>> {
    const wants = (packet: Packet) => packet.cmd === cmd;
    const at = this.#arrived.findIndex(wants);
    const [found] = at < 0 ? [] : this.#arrived.splice(at, 1);
    if (found !== undefined) return Promise.resolve(found as Extract<Packet, { cmd: C }>);
    return new Promise((resolve) => {
      this.#waiters.push({ wants, resolve: (packet) => resolve(packet as Extract<Packet, { cmd: C }>) });
    });
  }

  async subscribe(
    topic: string,
    options: { qos?: 0 | 1 | 2; rh?: 0 | 1 | 2; nl?: boolean; rap?: boolean } = {},
  ): Promise<number[]> {
    const { qos = 1, rh = 0, nl = false, rap = false } = options;
    this.send({ cmd: "subscribe", messageId: 10, subscriptions: [{ topic, qos, rh, nl, rap }] } as Packet);
    return (await this.take("suback")).granted as number[];
  }

  /** Publishes at QoS 1 and returns the reason code of the PUBACK. */
  async publish(
    topic: string,
    payload: string,
    options: { retain?: boolean; messageId?: number } = {},
  ): Promise<number> {
    const { retain = false, messageId = 1 } = options;
    this.send({ cmd: "publish", topic, payload, qos: 1, retain, dup: false, messageId });
    return (await this.take("puback")).reasonCode ?? 0;
  }

  /** Publishes at QoS 2 as far as PUBREC. Returns its reason code. */
  async publishOnce(
    topic: string,
    payload: string,
    options: { dup?: boolean; retain?: boolean; messageId?: number } = {},
  ): Promise<number> {
    const { dup = false, retain = false, messageId = 1 } = options;
    this.send({ cmd: "publish", topic, payload, qos: 2, retain, dup, messageId });
    return (await this.take("pubrec")).reasonCode ?? 0;
  }

  /** Releases a published message of QoS 2. Returns the reason code of PUBCOMP. */
  async release(messageId = 1): Promise<number> {
    this.send({ cmd: "pubrel", messageId });
    return (await this.take("pubcomp")).reasonCode ?? 0;
  }

  /** The next message, of QoS 2, with all of its handshake. */
  async messageOnce(): Promise<Extract<Packet, { cmd: "publish" }>> {
    const publish = await this.take("publish");
    const messageId = publish.messageId ?? 0;
    this.send({ cmd: "pubrec", messageId });
    await this.take("pubrel");
    this.send({ cmd: "pubcomp", messageId });
    return publish;
  }

  /** The next message; acknowledged unless told otherwise. */
  async message(acknowledge = true): Promise<Extract<Packet, { cmd: "publish" }>> {
    const publish = await this.take("publish");
    if (acknowledge && publish.qos === 1) this.send({ cmd: "puback", messageId: publish.messageId ?? 0 });
    return publish;
  }

  /** Closes as the edge does when the device is gone. */
  close(code: number = linkClose.deviceGone): void {
    this.#socket.close(code, "");
  }

  #onPacket(packet: Packet): void {
    this.log.push(packet);
    const at = this.#waiters.findIndex(({ wants }) => wants(packet));
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter === undefined) this.#arrived.push(packet);
    else waiter.resolve(packet);
  }
}

/** The payload of a message as text. */
export function text(publish: { payload: string | Uint8Array }): string {
  return publish.payload.toString();
}
