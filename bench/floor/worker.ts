// The hops of a message without a broker: edge, session object, topic object and back, each of which hands on what it
// gets. What this costs is the platform's part of a message, which no broker of this shape can do without.

import { DurableObject } from "cloudflare:workers";
import { ANSWER_BYTES, items, lengthOf } from "./items.ts";

interface FloorEnv {
  SESSION_SHARD: DurableObjectNamespace;
  TOPIC_SHARD: DurableObjectNamespace;
}

const UPGRADE = { headers: { Upgrade: "websocket" } };
const OBJECT = "floor";
const STREAM = "stream";
const EXCHANGE_STREAM = "exchange-stream";
/** Devices of an exchange have numbers. */
const DEVICE = "device-";

async function open(stub: DurableObjectStub, path: string, onMessage: (data: ArrayBuffer) => void): Promise<WebSocket> {
  const { webSocket } = await stub.fetch(`http://floor/${path}`, UPGRADE);
  if (webSocket === null) throw new Error("no socket");
  webSocket.binaryType = "arraybuffer";
  webSocket.addEventListener("message", ({ data }) => onMessage(data as ArrayBuffer));
  webSocket.accept();
  return webSocket;
}

class Floor extends DurableObject<FloorEnv> {
  protected accept(tag: string): Response {
    const { 0: other, 1: own } = new WebSocketPair();
    this.ctx.acceptWebSocket(own, [tag]);
    return new Response(null, { status: 101, webSocket: other });
  }

  protected send(tag: string, data: ArrayBuffer): void {
    for (const socket of this.ctx.getWebSockets(tag)) socket.send(data);
  }
}

/** A frame of the publisher goes to the topic object, what comes from there to the subscriber, and its answer to the
 *  publisher. */
export class SessionShard extends Floor {
  #topic: WebSocket | null = null;
  #exchange: Exchange | null = null;
  readonly #tags = new WeakMap<WebSocket, string>();

  override async fetch(request: Request): Promise<Response> {
    const tag = new URL(request.url).pathname.slice(1);
    const topic = this.env.TOPIC_SHARD.getByName(OBJECT);
    if (tag.startsWith(DEVICE)) this.#exchange ??= await this.#begun(topic);
    else if (tag !== STREAM && tag !== EXCHANGE_STREAM) this.#topic ??= await open(topic, STREAM, () => {});
    return this.accept(tag);
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer): void {
    switch (this.#tagOf(socket)) {
      case "publisher":
        this.#topic?.send(data);
        break;
      case STREAM:
        this.send("subscriber", data);
        break;
      case "connect":
        socket.send(data);
        break;
      case EXCHANGE_STREAM:
        this.#exchange?.onBatch(new Uint8Array(data));
        break;
      case "subscriber":
        this.send("publisher", data);
        break;
      default:
        this.#exchange?.onDevice(socket, new Uint8Array(data));
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  async #begun(topic: DurableObjectStub): Promise<Exchange> {
    const stream = await open(topic, EXCHANGE_STREAM, () => {});
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS batch (bytes BLOB)");
    return new Exchange(stream, (bytes) => this.ctx.storage.sql.exec("INSERT INTO batch VALUES (?)", bytes));
  }

  #tagOf(socket: WebSocket): string {
    let tag = this.#tags.get(socket);
    if (tag === undefined) {
      tag = this.ctx.getTags(socket)[0] ?? "";
      this.#tags.set(socket, tag);
    }
    return tag;
  }
}

/** Messages from many devices to many, by the numbers of both. What a frame brings is answered with one frame. */
class Exchange {
  readonly #toTopic: (packet: Uint8Array) => void;
  readonly #store: (bytes: ArrayBuffer) => void;
  readonly #sockets = new Map<number, WebSocket>();

  constructor(stream: WebSocket, store: (bytes: ArrayBuffer) => void) {
    this.#toTopic = gathered(stream);
    this.#store = store;
  }

  onDevice(socket: WebSocket, frame: Uint8Array): void {
    const answers = new Answers();
    for (let at = 0; at < frame.length; at += lengthOf(frame[at])) {
      switch (frame[at]) {
        case items.hello:
          this.#sockets.set(frame[at + 1] ?? 0, socket);
          answers.add(items.complete);
          break;
        case items.received:
          answers.add(items.release);
          break;
        case items.release:
          answers.add(items.complete);
          break;
        case items.once:
        case items.message:
          this.#toTopic(frame.subarray(at, at + lengthOf(frame[at])));
          break;
        default:
      }
    }
    if (answers.bytes.length > 0) socket.send(new Uint8Array(answers.bytes));
  }

  /** What is to come once is stored: what is sent waits for the commit. */
  onBatch(batch: Uint8Array): void {
    const toTakers = new Map<number, Uint8Array[]>();
    const toSenders = new Map<number, Answers>();
    let stored = false;
    for (let at = 0; at < batch.length; at += lengthOf(batch[at])) {
      const [type, sender = 0, taker = 0] = batch.subarray(at, at + 3);
      const packet = batch.subarray(at, at + lengthOf(type));
      getOrInsert(toTakers, taker, () => []).push(packet);
      getOrInsert(toSenders, sender, () => new Answers()).add(type === items.once ? items.received : items.complete);
      stored ||= type === items.once;
    }
    if (stored) this.#store(batch.slice().buffer);
    for (const [taker, packets] of toTakers) this.#sockets.get(taker)?.send(joined(packets));
    for (const [sender, { bytes }] of toSenders) this.#sockets.get(sender)?.send(new Uint8Array(bytes));
  }
}

class Answers {
  readonly bytes: number[] = [];

  add(type: number): void {
    this.bytes.push(type);
    for (let i = 1; i < ANSWER_BYTES; i++) this.bytes.push(0);
  }
}

function getOrInsert<Value>(map: Map<number, Value>, key: number, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

export class TopicShard extends Floor {
  readonly #back = new WeakMap<WebSocket, WebSocket>();

  override async fetch(request: Request): Promise<Response> {
    return this.accept(new URL(request.url).pathname.slice(1));
  }

  override async webSocketMessage(socket: WebSocket, data: ArrayBuffer): Promise<void> {
    let back = this.#back.get(socket);
    if (back === undefined) {
      const [tag = STREAM] = this.ctx.getTags(socket);
      back = await open(this.env.SESSION_SHARD.getByName(OBJECT), tag, () => {});
      this.#back.set(socket, back);
    }
    back.send(data);
  }
}

export class Deployment extends DurableObject {}

export default {
  async fetch(request: Request, env: FloorEnv): Promise<Response> {
    const role = new URL(request.url).pathname.slice(1);
    if (request.headers.get("Upgrade") !== "websocket") return new Response("floor");
    const { 0: device, 1: edge } = new WebSocketPair();
    edge.binaryType = "arraybuffer";
    edge.accept();
    if (role === "echo") {
      edge.addEventListener("message", ({ data }) => edge.send(data));
      return new Response(null, { status: 101, webSocket: device });
    }
    const link = await open(env.SESSION_SHARD.getByName(OBJECT), role, (data) => edge.send(data));
    const gather = gathered(link);
    const send = role.startsWith(DEVICE)
      ? (data: ArrayBuffer) => gather(new Uint8Array(data))
      : (data: ArrayBuffer) => link.send(data);
    edge.addEventListener("message", ({ data }) => send(data as ArrayBuffer));
    edge.addEventListener("close", () => link.close(1000));
    return new Response(null, { status: 101, webSocket: device });
  },
};

/** Sends what comes in one turn of the event loop as one frame. */
function gathered(socket: WebSocket): (packet: Uint8Array) => void {
  let waiting: Uint8Array[] = [];
  const flush = () => {
    socket.send(joined(waiting));
    waiting = [];
  };
  return (packet) => {
    waiting.push(packet);
    if (waiting.length === 1) setTimeout(flush, 0);
  };
}

function joined(packets: readonly Uint8Array[]): Uint8Array {
  const frame = new Uint8Array(packets.reduce((length, packet) => length + packet.length, 0));
  let at = 0;
  for (const packet of packets) {
    frame.set(packet, at);
    at += packet.length;
  }
  return frame;
}
