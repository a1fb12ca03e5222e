// A client of the model that comes back to its session whenever its connection ends, as long as it is meant to be there.

import type { Packet } from "mqtt-packet";
import type { Attach } from "../../../src/contracts/link.ts";
import type { LinkClient, TestDeployment } from "../shards/link-client.ts";

const AGAIN_MS = 10;

export abstract class SteadyClient {
  readonly id: string;
  readonly #deployment: TestDeployment;
  readonly #attach: Partial<Attach>;
  #client: LinkClient | null = null;
  #connects = 0;
  #away = Promise.resolve();
  #ended = false;

  constructor(deployment: TestDeployment, id: string, attach: Partial<Attach> = {}) {
    this.#deployment = deployment;
    this.id = id;
    this.#attach = attach;
  }

  /** Connects for the first time and stays. */
  async begin(): Promise<LinkClient> {
    const client = await this.#connect();
    void this.#stay(client);
    return client;
  }

  /** Leaves for ever. */
  end(): void {
    this.#ended = true;
    this.drop();
  }

  /** Loses its connection; it comes back when `back` resolves. */
  drop(back: Promise<void> = Promise.resolve()): void {
    this.#away = back;
    try {
      this.#client?.close();
    } catch {
      // It is closed already.
    }
  }

  /** Connected anew: what was not finished is said again. */
  protected abstract resumed(sessionPresent: boolean): void;

  protected abstract received(packet: Packet): void;

  protected send(packet: Packet): void {
    try {
      this.#client?.send(packet);
    } catch {
      // The connection is gone: said again when it is back.
    }
  }

  async #connect(): Promise<LinkClient> {
    const client = await this.#deployment.connect(this.id, this.#attach);
    client.returnCredit = true;
    this.#client = client;
    this.#connects += 1;
    if (this.#connects > 1) this.resumed(client.sessionPresent);
    for (const cmd of ["publish", "puback", "pubrec", "pubrel", "pubcomp"] as const) void this.#serve(client, cmd);
    return client;
  }

  async #serve(client: LinkClient, cmd: "publish" | "puback" | "pubrec" | "pubrel" | "pubcomp"): Promise<void> {
    for (;;) {
      const packet = await client.take(cmd);
      if (client === this.#client) this.received(packet);
    }
  }

  async #stay(first: LinkClient): Promise<void> {
    let client = first;
    for (;;) {
      await client.closed;
      this.#client = null;
      await this.#away;
      for (let open = false; !open;) {
        if (this.#ended) return;
        try {
          client = await this.#connect();
          open = true;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS)); // Its shard has just died.
        }
      }
    }
  }
}
