// `it` with a broker: clients of the broker under test, which end with the test that opened them, and names that no other
// test has, so that tests run at the same time and against a service that others use.

import { randomBytes, randomInt } from "node:crypto";
import { expect, inject, test } from "vitest";
import { evict } from "./evict.ts";
import type { BrokerAccess } from "./global-setup.ts";
import type { ConnectOptions, Version } from "./packets.ts";
import { connect } from "./packets.ts";
import type { PacketOf } from "./raw-client.ts";
import { RawClient } from "./raw-client.ts";

/** Other workers begin with another broker. */
let tests = randomInt(1_000);

export const it = test.extend<{ broker: Broker }>({
  broker: async ({ task }, use) => {
    const brokers = inject("brokers");
    const access = brokers[tests++ % brokers.length];
    if (access === undefined) throw new Error("no broker");
    const broker = new Broker(access, task.id);
    await use(broker);
    await broker.dispose();
  },
});

export interface Connecting extends Partial<ConnectOptions> {
  /** Without user name and password. */
  anonymous?: boolean;
}

export class Broker {
  readonly access: BrokerAccess;
  readonly #mark: string;
  #clients: RawClient[] = [];
  #names = 0;
  /** Client ids of sessions that 3.1.1 ends by a clean one alone. */
  #keptIds = new Set<string>();

  constructor(access: BrokerAccess, mark: string) {
    this.access = access;
    this.#mark = `${mark.replaceAll(/[^a-z0-9]/gi, "").slice(-6)}${randomBytes(6).toString("hex")}`;
  }

  /** A client id of letters and figures, at most 23. */
  clientId(): string {
    this.#names += 1;
    return `c${this.#mark}n${this.#names}`;
  }

  /** The beginning of topics of this test alone. */
  topic(rest = "t"): string {
    return `conformance/${this.#mark}/${rest}`;
  }

  /** A WebSocket, no CONNECT. */
  async open(version: Version): Promise<RawClient> {
    const client = await RawClient.open(this.access.url, version, async () => await this.#received());
    this.#clients.push(client);
    return client;
  }

  /** CONNECT has been sent, with credentials unless the test has its own. */
  async connecting(version: Version, options: Connecting = {}): Promise<RawClient> {
    const client = await this.open(version);
    client.send(this.connectPacket(version, options));
    const { clientId, clean, will } = options;
    if (version === 4 && clean === false && typeof clientId === "string" && clientId !== "")
      this.#keptIds.add(clientId);
    if (will?.retain === true && typeof will.topic === "string") client.retained.add(will.topic);
    return client;
  }

  /** The CONNECT that `connecting` sends. */
  connectPacket(version: Version, options: Connecting = {}): Uint8Array {
    const { anonymous, ...fields } = options;
    const { username, password } = this.access;
    const credentials = anonymous === true ? {} : { username, password };
    return connect(version, { clientId: options.clientId ?? this.clientId(), ...credentials, ...fields });
  }

  /** Connected. */
  async connect(version: Version, options: Connecting = {}): Promise<RawClient> {
    return (await this.connectWith(version, options)).client;
  }

  /** Connected, and what CONNACK said. */
  async connectWith(version: Version, options: Connecting = {}) {
    const client = await this.connecting(version, options);
    const connack: PacketOf<"connack"> = await client.next("connack");
    expect(version === 5 ? connack.reasonCode : connack.returnCode).toBe(0);
    return { client, connack };
  }

  /** Resolves when the broker has let so many seconds pass, and half as many: it ends a client whose keep alive that is. */
  async keepAlivePasses(seconds: number): Promise<void> {
    const client = await this.connect(4, { keepAlive: seconds });
    await client.closed();
  }

  /** Some client has received what a test awaited. */
  async #received(): Promise<void> {
    const { evictions } = this.access;
    if (evictions !== null) await evict(evictions);
  }

  /** Ends its clients, and removes what would stay at the broker: retained messages, and sessions without an end. */
  async dispose(): Promise<void> {
    const retained = new Set(this.#clients.flatMap(({ retained: topics }) => [...topics]));
    for (const client of this.#clients) client.socket.terminate();
    for (const clientId of this.#keptIds) await this.connect(4, { clientId });
    if (retained.size > 0) {
      const client = await this.connect(4);
      for (const topic of retained) await client.publishSafely({ topic, payload: "", retain: true });
    }
    for (const client of this.#clients) client.socket.terminate();
    this.#clients = [];
  }
}
