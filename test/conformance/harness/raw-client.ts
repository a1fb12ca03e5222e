// A connection that sends whatever bytes a test likes, and gives what comes back packet by packet, raw and decoded, in
// its order. Every wait ends: with what is waited for, or with an error that says what came instead.

import type { Packet } from "mqtt-packet";
import mqttPacket from "mqtt-packet";
import { expect } from "vitest";
import { WebSocket } from "ws";
import type { Bytes } from "./bytes.ts";
import type { PublishOptions, SubscribeFilter, Version } from "./packets.ts";
import { acknowledge, disconnect, pingreq, publish, subscribe, unsubscribe } from "./packets.ts";

export type PacketOf<Command extends Packet["cmd"]> = Extract<Packet, { cmd: Command }>;

export interface Received {
  raw: Buffer;
  packet: Packet;
}

const WAIT_MS = 10_000;

export class RawClient {
  /** What the tests of this client read and write. */
  readonly version: Version;
  readonly socket: WebSocket;
  /** Topics to which it has published something retained. */
  readonly retained = new Set<string>();
  #rest: Buffer = Buffer.alloc(0);
  #inbox: Received[] = [];
  #waiting: (() => void) | null = null;
  #fault: Error | null = null;
  #closed = false;
  #nextPacketId = 1;

  readonly #received: () => Promise<void>;

  private constructor(socket: WebSocket, version: Version, received: () => Promise<void>) {
    this.version = version;
    this.socket = socket;
    this.#received = received;
    socket.on("message", (data: Buffer) => this.#onBytes(data));
    socket.on("close", () => {
      this.#closed = true;
      this.#waiting?.();
    });
    // A close follows, and a test that waits learns of it there.
    socket.on("error", () => {});
  }

  /** A WebSocket with the subprotocol, on which nothing has been sent. `received` is called, and waited for, whenever what
   *  a test awaited has come. */
  static async open(url: string, version: Version, received: () => Promise<void>): Promise<RawClient> {
    const socket = new WebSocket(url, "mqtt", { perMessageDeflate: false });
    const client = new RawClient(socket, version, received);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** Sends in one WebSocket frame. */
  send(...parts: readonly Bytes[]): void {
    this.socket.send(Buffer.concat(parts));
  }

  /** Sends PUBLISH and waits for nothing. */
  publish(options: PublishOptions): void {
    if (options.retain === true && typeof options.topic === "string") this.retained.add(options.topic);
    this.send(publish(this.version, options));
  }

  /** Publishes at QoS 1 and waits until it is acknowledged. */
  async publishSafely(options: PublishOptions): Promise<PacketOf<"puback">> {
    const packetId = this.takePacketId();
    this.publish({ ...options, qos: 1, packetId });
    const puback = await this.pick("puback");
    expect(puback.messageId).toBe(packetId);
    return puback;
  }

  /** The reason codes of SUBACK. */
  async subscribe(filters: readonly SubscribeFilter[], properties: readonly Bytes[] = []): Promise<number[]> {
    const packetId = this.takePacketId();
    this.send(subscribe(this.version, packetId, filters, properties));
    const suback = await this.pick("suback");
    expect(suback.messageId).toBe(packetId);
    return suback.granted.map(Number);
  }

  /** The reason codes of UNSUBACK; before 5.0 it has none. */
  async unsubscribe(filters: readonly string[]): Promise<number[]> {
    const packetId = this.takePacketId();
    this.send(unsubscribe(this.version, packetId, filters));
    const unsuback = await this.pick("unsuback");
    expect(unsuback.messageId).toBe(packetId);
    return [unsuback.granted ?? []].flat().map(Number);
  }

  takePacketId(): number {
    return this.#nextPacketId++;
  }

  /** The next packet, which must be of this type. */
  async next<Command extends Packet["cmd"]>(command: Command): Promise<PacketOf<Command>> {
    return (await this.nextRaw(command)).packet as PacketOf<Command>;
  }

  /** The same with its bytes. */
  async nextRaw(command: Packet["cmd"]): Promise<Received> {
    await this.#until(() => this.#inbox.length > 0, command);
    const received = this.#inbox.shift();
    if (received === undefined) throw new Error(`closed while ${command} was awaited`);
    expect(received.packet.cmd, `the packet ${received.raw.toString("hex").slice(0, 100)}`).toBe(command);
    return received;
  }

  /** The first packet of this type, past others, which stay. */
  async pick<Command extends Packet["cmd"]>(command: Command): Promise<PacketOf<Command>> {
    const find = () => this.#inbox.findIndex(({ packet }) => packet.cmd === command);
    await this.#until(() => find() >= 0, command);
    const [received] = find() < 0 ? [] : this.#inbox.splice(find(), 1);
    if (received === undefined) throw new Error(`closed while ${command} was awaited`);
    return received.packet as PacketOf<Command>;
  }

  /** The next message, acknowledged as its QoS asks for. */
  async message(): Promise<PacketOf<"publish">> {
    const message = await this.next("publish");
    if (message.qos === 1) this.send(acknowledge("puback", message.messageId ?? 0));
    if (message.qos === 2) {
      this.send(acknowledge("pubrec", message.messageId ?? 0));
      await this.pick("pubrel");
      this.send(acknowledge("pubcomp", message.messageId ?? 0));
    }
    return message;
  }

  /** Shows that the connection lives, and that nothing else is here. */
  async ping(): Promise<void> {
    this.send(pingreq());
    await this.next("pingresp");
  }

  /** The server ends it: in 5.0 with DISCONNECT and one of these reason codes, before with nothing; then it is closed. */
  async ended(...reasonCodes: readonly number[]): Promise<void> {
    if (this.version === 5) expect(reasonCodes).toContain((await this.next("disconnect")).reasonCode);
    await this.closed();
  }

  /** The server refuses: CONNACK with one of these codes, then the end. */
  async refused(...reasonCodes: readonly number[]): Promise<PacketOf<"connack">> {
    const connack = await this.next("connack");
    expect(reasonCodes).toContain(this.version === 5 ? connack.reasonCode : connack.returnCode);
    expect(connack.sessionPresent).toBe(false);
    await this.closed();
    return connack;
  }

  /** The server refuses, or closes without an answer. */
  async refusedOrClosed(...reasonCodes: readonly number[]): Promise<void> {
    await this.#until(() => this.#inbox.length > 0, "CONNACK");
    if (this.#inbox.length > 0) await this.refused(...reasonCodes);
    else await this.closed();
  }

  /** Closed by the server, and nothing came before that has not been read. */
  async closed(): Promise<void> {
    await this.#until(() => this.#closed || this.#inbox.length > 0, "the close");
    expect(this.#inbox.map(({ raw }) => raw.toString("hex"))).toEqual([]);
    expect(this.#closed).toBe(true);
  }

  /** Closes without DISCONNECT, as a network that fails. */
  async drop(): Promise<void> {
    this.socket.terminate();
    await this.#until(() => this.#closed, "the close");
  }

  /** DISCONNECT, and the server closes. */
  async leave(reasonCode?: number, properties?: readonly Bytes[]): Promise<void> {
    this.send(disconnect(reasonCode, properties));
    await this.closed();
  }

  /** Until `done`, the close, or a time that no answer takes. */
  async #until(done: () => boolean, what: string): Promise<void> {
    const deadline = setTimeout(() => {
      const came = this.#inbox.map(({ raw }) => raw.toString("hex").slice(0, 80)).join(", ");
      this.#fault = new Error(`no ${what} within ${WAIT_MS} ms; unread: ${came === "" ? "nothing" : came}`);
      this.#waiting?.();
    }, WAIT_MS);
    try {
      while (!done() && !this.#closed && this.#fault === null) {
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
    } finally {
      clearTimeout(deadline);
      this.#waiting = null;
    }
    if (this.#fault !== null) throw this.#fault;
    await this.#received();
  }

  #onBytes(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const length = packetLength(this.#rest);
      if (length === null || this.#rest.length < length) break;
      const raw = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      try {
        this.#inbox.push({ raw, packet: decode(raw, this.version) });
      } catch (error) {
        this.#fault = new Error(`unreadable: ${raw.toString("hex")}`, { cause: error });
      }
    }
    this.#waiting?.();
  }
}

/** Bytes of the packet that `bytes` begin with; null: its Remaining Length is not here yet. */
function packetLength(bytes: Buffer): number | null {
  let length = 0;
  for (let index = 1; index <= 4; index += 1) {
    const byte = bytes[index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return 1 + index + length;
  }
  throw new Error("a Remaining Length of more than four bytes");
}

function decode(raw: Buffer, protocolVersion: Version): Packet {
  const parser = mqttPacket.parser({ protocolVersion });
  let decoded: Packet | null = null;
  let fault: Error | null = null;
  parser.on("packet", (each) => {
    decoded = each;
  });
  parser.on("error", (error: Error) => {
    fault = error;
  });
  parser.parse(raw);
  if (fault !== null) throw fault as Error;
  if (decoded === null) throw new Error("not one packet");
  return decoded;
}
