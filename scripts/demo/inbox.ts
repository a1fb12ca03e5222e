// An MQTT.js client with what it received: messages are kept in their order and can be waited for.

import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";

export interface Received {
  topic: string;
  text: string;
  qos: number;
  retain: boolean;
  dup: boolean;
}

const WAIT_MS = 10_000;

export class Inbox {
  readonly client: MqttClient;
  readonly sessionPresent: boolean;
  readonly received: Received[] = [];
  #waiting = new Set<() => void>();

  private constructor(client: MqttClient, sessionPresent: boolean, early: Received[]) {
    this.client = client;
    this.sessionPresent = sessionPresent;
    this.received = early;
  }

  /** Connects once, without reconnecting by itself. Throws what the broker or the way to it answered. */
  static async connect(url: string, options: IClientOptions): Promise<Inbox> {
    const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: WAIT_MS, keepalive: 30, ...options });
    // What a resumed session gets may come in the same turn as CONNACK.
    const early: Received[] = [];
    let inbox: Inbox | null = null;
    client.on("message", (topic, payload, packet) => {
      const received = receivedOf(topic, payload, packet);
      if (inbox === null) early.push(received);
      else inbox.#take(received);
    });
    try {
      const sessionPresent = await new Promise<boolean>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no CONNACK from ${url} within 10 s`)), WAIT_MS);
        client.once("connect", (connack) => settled(() => resolve(connack.sessionPresent)));
        client.once("error", (error) => settled(() => reject(error)));
        client.once("close", () => settled(() => reject(new Error(`${url} closed the connection`))));
        const settled = (then: () => void) => {
          clearTimeout(timer);
          then();
        };
      });
      client.on("error", () => {});
      inbox = new Inbox(client, sessionPresent, early);
      return inbox;
    } catch (error) {
      client.on("error", () => {});
      client.end(true);
      throw error;
    }
  }

  /** The first message, past or to come, that fits. Throws when none has come in time (10 s unless given). */
  async message(fits: (message: Received) => boolean, waitMs = WAIT_MS): Promise<Received> {
    const found = await this.until(() => this.received.find((message) => fits(message)), waitMs);
    return found;
  }

  /** What `look` finds, asked anew at every message. Throws when it has found nothing in time. */
  async until<T>(look: () => T | undefined, waitMs = WAIT_MS): Promise<T> {
    const found = look();
    if (found !== undefined) return found;
    return await new Promise<T>((resolve, reject) => {
      const check = () => {
        const value = look();
        if (value === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(value);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const topics = this.received.slice(-5).map(({ topic, text }) => `${topic}: ${text.slice(0, 40)}`);
        reject(new Error(`not received within ${waitMs} ms; last of ${this.received.length}: ${topics.join(", ")}`));
      }, waitMs);
      this.#waiting.add(check);
    });
  }

  /** DISCONNECT, then the end of the connection. */
  async end(): Promise<void> {
    await this.client.endAsync();
  }

  #take(message: Received): void {
    this.received.push(message);
    for (const check of this.#waiting) check();
  }
}

function receivedOf(topic: string, payload: Buffer, packet: IPublishPacket): Received {
  return { topic, text: payload.toString(), qos: packet.qos, retain: packet.retain, dup: packet.dup };
}
