// The hops of a message without a broker: edge, session object, topic object and back, each of which hands on what it
// gets. What this costs is the platform's part of a message, which no broker of this shape can do without.

import { DurableObject } from "cloudflare:workers";

interface FloorEnv {
  SESSION_SHARD: DurableObjectNamespace;
  TOPIC_SHARD: DurableObjectNamespace;
}

const UPGRADE = { headers: { Upgrade: "websocket" } };
const OBJECT = "floor";
const STREAM = "stream";
const DEVICE = "device";
/** What a device sends each time: bench/floor.ts. */
const PAYLOAD_BYTES = 85;

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
  readonly #tags = new WeakMap<WebSocket, string>();

  override async fetch(request: Request): Promise<Response> {
    const tag = new URL(request.url).pathname.slice(1);
    if (tag !== STREAM) this.#topic ??= await open(this.env.TOPIC_SHARD.getByName(OBJECT), STREAM, () => {});
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
      case DEVICE:
        socket.send(new Uint8Array(data.byteLength / PAYLOAD_BYTES)); // A byte for each.
        break;
      default:
        this.send("publisher", data);
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
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

export class TopicShard extends Floor {
  #session: WebSocket | null = null;

  override async fetch(): Promise<Response> {
    return this.accept(STREAM);
  }

  override async webSocketMessage(_socket: WebSocket, data: ArrayBuffer): Promise<void> {
    if (this.#session !== null) {
      this.#session.send(data);
      return;
    }
    this.#session = await open(this.env.SESSION_SHARD.getByName(OBJECT), STREAM, () => {});
    this.#session.send(data);
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
    const send = role === DEVICE ? gathered(link) : (data: ArrayBuffer) => link.send(data);
    edge.addEventListener("message", ({ data }) => send(data as ArrayBuffer));
    edge.addEventListener("close", () => link.close(1000));
    return new Response(null, { status: 101, webSocket: device });
  },
};

/** Sends what comes in one turn of the event loop as one frame. */
function gathered(link: WebSocket): (data: ArrayBuffer) => void {
  let waiting: ArrayBuffer[] = [];
  const flush = () => {
    const frame = new Uint8Array(waiting.length * PAYLOAD_BYTES);
    for (const [i, data] of waiting.entries()) frame.set(new Uint8Array(data), i * PAYLOAD_BYTES);
    waiting = [];
    link.send(frame);
  };
  return (data) => {
    waiting.push(data);
    if (waiting.length === 1) setTimeout(flush, 0);
  };
}
