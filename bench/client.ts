// A client for load alone: MQTT 3.1.1, or 5.0, over WebSocket with frames made once, since a full client would be the
// bottleneck. Acknowledges what it gets, all of one WebSocket frame together, at once or after a time.

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
const DISCONNECTED = 14;
const PUBREL_FLAGS = 2;
const PACKET_IDS = 60_000;
const STAMP_BYTES = 8;

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
  /** Left out: 3.1.1. */
  version?: 4 | 5;
  /** Of 5.0. */
  sessionExpirySeconds?: number;
  /** How long it keeps its acknowledgements back. */
  acknowledgeAfterMs?: number;
  /** The broker has refused it or ended it: with a reason code, or without a word. Left out: the load has failed then. */
  onEnd?: (reasonCode: number | null) => void;
}

const PINGREQ = mqttPacket.generate({ cmd: "pingreq" });

export class LoadClient {
  /** `end`: where its payload ends in `bytes`. */
  onMessage: (bytes: Buffer, end: number) => void = () => undefined;
  /** PUBACK, or PUBCOMP. */
  onAcknowledged: (reasonCode: number) => void = () => undefined;
  /** The reason code with which the broker ended it; null: it has not, or without a word. */
  endedWith: number | null = null;
  readonly #socket: WebSocket;
  readonly #options: ConnectOptions;
  readonly #version: 4 | 5;
  #onConnected: () => void = () => undefined;
  #onSubscribed: () => void = () => undefined;
  #onFailed: (error: Error) => void = () => undefined;
  #partial: Buffer | null = null;
  #answers: number[] = [];
  #closing = false;
  #packetId = 0;

  private constructor(target: Target, options: ConnectOptions) {
    this.#options = options;
    this.#version = options.version ?? 4;
    this.#socket = new WebSocket(target.url, "mqtt", { perMessageDeflate: false, skipUTF8Validation: true });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", (code) => this.#fail(new Error(`closed with ${code}`)));
    this.#socket.on("message", (data) => this.#onFrame(data as Buffer));
  }

  static connect(target: Target, options: ConnectOptions): Promise<LoadClient> {
    const client = new LoadClient(target, options);
    if (options.onMessage !== undefined) client.onMessage = options.onMessage;
    const connect: Packet = {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: client.#version,
      clean: options.clean ?? true,
      clientId: options.clientId,
      keepalive: options.keepAliveSeconds ?? 60,
      username: target.username,
      password: Buffer.from(target.password),
      ...(client.#version === 5 && { properties: { sessionExpiryInterval: options.sessionExpirySeconds ?? 0 } }),
    };
    client.#socket.on("open", () => client.#socket.send(client.#generate(connect)));
    return new Promise((resolve, reject) => {
      client.#onConnected = () => resolve(client);
      client.#onFailed = reject;
    });
  }

  subscribe(topic: string, qos: Qos): Promise<void> {
    return this.subscribeAll([topic], qos);
  }

  subscribeAll(topics: string[], qos: Qos): Promise<void> {
    const subscriptions = topics.map((topic) => ({ topic, qos }));
    this.#socket.send(this.#generate({ cmd: "subscribe", messageId: 1, subscriptions }));
    return new Promise((resolve) => {
      this.#onSubscribed = resolve;
    });
  }

  /** A function that publishes `payload` to `topic`, one packet a WebSocket frame; with a number, that is the payload's
   *  end: see `stampOf`. */
  publisher(topic: string, qos: Qos, payload: Buffer, retain = false): (stamp?: number) => void {
    const frame = this.#generate({ cmd: "publish", topic, payload, qos, messageId: 1, retain, dup: false });
    const propertiesBytes = this.#version === 5 ? 1 : 0;
    const idOffset = frame.length - payload.length - propertiesBytes - 2;
    return (stamp) => {
      if (qos === 0 && stamp === undefined) {
        this.#socket.send(frame);
        return;
      }
      const next = Buffer.from(frame);
      if (qos > 0) {
        this.#packetId = (this.#packetId % PACKET_IDS) + 1;
        next.writeUInt16BE(this.#packetId, idOffset);
      }
      if (stamp !== undefined) next.writeDoubleBE(stamp, next.length - STAMP_BYTES);
      this.#socket.send(next);
    };
  }

  /** Bytes that the broker's side has not taken. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** The connection is over. */
  get ended(): boolean {
    return this.#closing;
  }

  /** From now on it reads nothing. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
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
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(this.#generate({ cmd: "disconnect" }));
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

  #generate(packet: Packet): Buffer {
    return mqttPacket.generate(packet, { protocolVersion: this.#version });
  }

  #fail(error: Error, reasonCode: number | null = null): void {
    if (this.#closing) return;
    this.#onFailed(error);
    this.#closing = true;
    this.endedWith = reasonCode;
    if (this.#options.onEnd !== undefined) {
      this.#options.onEnd(reasonCode);
      return;
    }
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
    const answers = Buffer.from(this.#answers);
    this.#answers = [];
    const { acknowledgeAfterMs = 0 } = this.#options;
    if (acknowledgeAfterMs === 0) this.#socket.send(answers);
    else setTimeout(() => this.#socket.send(answers, () => undefined), acknowledgeAfterMs); // It may be closed by then.
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
        this.onMessage(bytes, place + length);
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
        this.onAcknowledged(length > 2 ? (bytes[place + 2] ?? 0) : 0);
        break;
      case CONNACK: {
        const code = bytes[place + 1] ?? 0;
        if (code === 0) this.#onConnected();
        else this.#fail(new Error(`refused with return code ${code}`), code);
        break;
      }
      case DISCONNECTED: {
        const code = length > 0 ? (bytes[place] ?? 0) : 0;
        this.#fail(new Error(`ended with reason code ${code}`), code);
        break;
      }
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

/** The number with which a message was published. */
export function stampOf(bytes: Buffer, end: number): number {
  return bytes.readDoubleBE(end - STAMP_BYTES);
}
