// A client for load alone: MQTT 3.1.1 over WebSocket with frames made once, since a full client would be the bottleneck.
// Acknowledges what it gets, all of one WebSocket frame together.

import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { WebSocket } from "ws";

export type Qos = 0 | 1 | 2;

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;
const SUBACK = 9;
const PUBREL_FLAGS = 2;
const PACKET_IDS = 60_000;

export interface Target {
  url: string;
  username: string;
  password: string;
  /** Where the broker tells what it counts; undefined: it counts nothing. */
  countsUrl?: string;
  /** The broker's process; undefined: that is not known here. */
  pid?: number | undefined;
}

export interface ConnectOptions {
  clientId: string;
  /** False: the session outlives the connection. */
  clean?: boolean;
  keepAliveSeconds?: number;
  /** A session that is back may have messages right behind CONNACK. */
  onMessage?: () => void;
}

function generate(packet: Packet): Buffer {
  return mqttPacket.generate(packet, { protocolVersion: 4 });
}

const DISCONNECT = generate({ cmd: "disconnect" });
const PINGREQ = generate({ cmd: "pingreq" });

export class LoadClient {
  onMessage: () => void = () => undefined;
  /** PUBACK, or PUBCOMP. */
  onAcknowledged: () => void = () => undefined;
  readonly #socket: WebSocket;
  #onConnected: () => void = () => undefined;
  #onSubscribed: () => void = () => undefined;
  #onFailed: (error: Error) => void = () => undefined;
  #partial: Buffer | null = null;
  #answers: number[] = [];
  #closing = false;
  #packetId = 0;

  private constructor(target: Target) {
    this.#socket = new WebSocket(target.url, "mqtt", { perMessageDeflate: false, skipUTF8Validation: true });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", (code) => this.#fail(new Error(`closed with ${code}`)));
    this.#socket.on("message", (data) => this.#onFrame(data as Buffer));
  }

  static connect(target: Target, options: ConnectOptions): Promise<LoadClient> {
    const client = new LoadClient(target);
    if (options.onMessage !== undefined) client.onMessage = options.onMessage;
    const connect: Packet = {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 4,
      clean: options.clean ?? true,
      clientId: options.clientId,
      keepalive: options.keepAliveSeconds ?? 60,
      username: target.username,
      password: Buffer.from(target.password),
    };
    client.#socket.on("open", () => client.#socket.send(generate(connect)));
    return new Promise((resolve, reject) => {
      client.#onConnected = () => resolve(client);
      client.#onFailed = reject;
    });
  }

  subscribe(topic: string, qos: Qos): Promise<void> {
    this.#socket.send(generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos }] }));
    return new Promise((resolve) => {
      this.#onSubscribed = resolve;
    });
  }

  /** A function that publishes `payload` to `topic`, one packet a WebSocket frame. */
  publisher(topic: string, qos: Qos, payload: Buffer): () => void {
    const frame = generate({ cmd: "publish", topic, payload, qos, messageId: 1, retain: false, dup: false });
    if (qos === 0) return () => this.#socket.send(frame);
    const idOffset = frame.length - payload.length - 2;
    return () => {
      const next = Buffer.from(frame);
      this.#packetId = (this.#packetId % PACKET_IDS) + 1;
      next.writeUInt16BE(this.#packetId, idOffset);
      this.#socket.send(next);
    };
  }

  ping(): void {
    this.#socket.send(PINGREQ);
  }

  /** DISCONNECT; done once the broker has closed the socket. */
  leave(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      if (this.#socket.readyState === WebSocket.CLOSED) resolve();
      else this.#socket.once("close", () => resolve());
    });
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(DISCONNECT);
    return closed;
  }

  /** Breaks the connection off; done once the socket is closed. */
  close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      if (this.#socket.readyState === WebSocket.CLOSED) resolve();
      else this.#socket.once("close", () => resolve());
    });
    this.#socket.terminate();
    return closed;
  }

  #fail(error: Error): void {
    if (this.#closing) return;
    this.#onFailed(error);
    this.#closing = true;
    process.exitCode = 1;
    console.error(`load: ${error.message}`);
  }

  #onFrame(data: Buffer): void {
    const bytes = this.#partial === null ? data : Buffer.concat([this.#partial, data]);
    this.#partial = null;
    let at = 0;
    while (at < bytes.length) {
      const end = this.#packet(bytes, at);
      if (end === null) {
        this.#partial = bytes.subarray(at);
        break;
      }
      at = end;
    }
    if (this.#answers.length === 0) return;
    this.#socket.send(Buffer.from(this.#answers));
    this.#answers = [];
  }

  /** Handles the packet at `at` and returns its end; null: it is not whole. */
  #packet(bytes: Buffer, at: number): number | null {
    let length = 0;
    let shift = 1;
    let place = at + 1;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (place >= bytes.length) return null;
      byte = bytes[place++] ?? 0;
      length += (byte & 0x7f) * shift;
      shift *= 0x80;
    }
    if (place + length > bytes.length) return null;
    const first = bytes[at] ?? 0;
    switch (first >> 4) {
      case PUBLISH: {
        const qos = (first >> 1) & 3;
        if (qos > 0) this.#answer(qos === 1 ? PUBACK : PUBREC, 0, bytes, place + 2 + bytes.readUInt16BE(place));
        this.onMessage();
        break;
      }
      case PUBREC:
        this.#answer(PUBREL, PUBREL_FLAGS, bytes, place);
        break;
      case PUBREL:
        this.#answer(PUBCOMP, 0, bytes, place);
        break;
      case PUBACK:
      case PUBCOMP:
        this.onAcknowledged();
        break;
      case CONNACK:
        if (bytes[place + 1] === 0) this.#onConnected();
        else this.#fail(new Error(`refused with return code ${bytes[place + 1]}`));
        break;
      case SUBACK:
        this.#onSubscribed();
        break;
      default:
    }
    return place + length;
  }

  #answer(type: number, flags: number, bytes: Buffer, idAt: number): void {
    this.#answers.push((type << 4) | flags, 2, bytes[idAt] ?? 0, bytes[idAt + 1] ?? 0);
  }
}
