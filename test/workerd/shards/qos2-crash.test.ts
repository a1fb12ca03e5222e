// QoS 2 while objects die: publishers and subscribers that come back repeat what MQTT says, and each message arrives once
// and in order.

import type { Packet } from "mqtt-packet";
import { expect, it } from "vitest";
import type { LinkClient } from "./link-client.ts";
import { TestDeployment, text } from "./link-client.ts";

const MESSAGES = 60;

/** A publisher that follows section 4.3.3: repeats what is not acknowledged, with DUP, whenever it is back. */
class Publisher {
  readonly #deployment: TestDeployment;
  readonly #id: string;
  #client: LinkClient | null = null;
  /** By packet id: to be received, or to be released. */
  readonly #open = new Map<number, { payload: string; received: boolean }>();

  constructor(deployment: TestDeployment, id: string) {
    this.#deployment = deployment;
    this.#id = id;
  }

  async connect(): Promise<void> {
    this.#client = await this.#deployment.connect(this.#id);
    for (const [messageId, { payload, received }] of this.#open) this.#send(messageId, payload, received, true);
    void this.#serve(this.#client);
  }

  publish(messageId: number): void {
    const payload = `${this.#id}${messageId}`;
    this.#open.set(messageId, { payload, received: false });
    this.#send(messageId, payload, false, false);
  }

  get open(): number {
    return this.#open.size;
  }

  #send(messageId: number, payload: string, received: boolean, dup: boolean): void {
    const publish = {
      cmd: "publish",
      topic: `t/${this.#id}`,
      payload,
      qos: 2,
      retain: false,
      dup,
      messageId,
    } as Packet;
    try {
      this.#client?.send(received ? ({ cmd: "pubrel", messageId } as Packet) : publish);
    } catch {
      // It is gone: said again when it is back.
    }
  }

  async #serve(client: LinkClient): Promise<void> {
    const [received, complete] = [
      async () => {
        for (;;) {
          const { messageId = 0, reasonCode = 0 } = await client.take("pubrec");
          expect(reasonCode).toBe(0);
          const open = this.#open.get(messageId);
          if (open !== undefined) open.received = true;
          this.#send(messageId, "", true, false);
        }
      },
      async () => {
        for (;;) this.#open.delete((await client.take("pubcomp")).messageId ?? 0);
      },
    ];
    await Promise.race([received(), complete(), client.closed]);
  }
}

/** A subscriber that follows section 4.3.3 as a receiver. */
class Subscriber {
  readonly payloads: string[] = [];
  readonly #deployment: TestDeployment;
  readonly #id: string;
  readonly #unreleased = new Set<number>();

  constructor(deployment: TestDeployment, id: string) {
    this.#deployment = deployment;
    this.#id = id;
  }

  async connect(): Promise<LinkClient> {
    const client = await this.#deployment.connect(this.#id);
    void Promise.race([this.#receive(client), this.#release(client), client.closed]);
    return client;
  }

  async #receive(client: LinkClient): Promise<void> {
    for (;;) {
      const publish = await client.take("publish");
      const messageId = publish.messageId ?? 0;
      if (!this.#unreleased.has(messageId)) this.payloads.push(text(publish));
      this.#unreleased.add(messageId);
      try {
        client.send({ cmd: "pubrec", messageId });
      } catch {
        return;
      }
    }
  }

  async #release(client: LinkClient): Promise<void> {
    for (;;) {
      const { messageId = 0 } = await client.take("pubrel");
      this.#unreleased.delete(messageId);
      try {
        client.send({ cmd: "pubcomp", messageId });
      } catch {
        return;
      }
    }
  }
}

for (const shards of [1, 4]) {
  for (const kind of ["session", "topic", "both"] as const) {
    it(
      `[MQTT-4.3.3-1] ${shards} shard(s): once and in order, whatever dies (${kind})`,
      { timeout: 60_000 },
      async () => {
        const deployment = await TestDeployment.create(`crash${shards}${kind}x`, shards);
        const subscribers = ["a", "b", "c"].map((id) => new Subscriber(deployment, id));
        for (const each of subscribers) expect(await (await each.connect()).subscribe("t/#", { qos: 2 })).toEqual([2]);
        const publishers = ["p", "q"].map((id) => new Publisher(deployment, id));
        for (const each of publishers) await each.connect();
        for (let i = 1; i <= MESSAGES; i++) {
          for (const each of publishers) each.publish(i);
          if (i % 15 !== 0) continue;
          if (kind !== "session") await deployment.crash("topic");
          if (kind === "topic") continue;
          await deployment.crash("session");
          for (const each of [...subscribers, ...publishers]) await each.connect();
        }
        await expect.poll(() => publishers.map(({ open }) => open), { timeout: 30_000 }).toEqual([0, 0]);
        const all = Array.from({ length: MESSAGES }, (_, i) => i + 1).flatMap((i) => [`p${i}`, `q${i}`]);
        for (const { payloads } of subscribers) {
          await expect.poll(() => payloads.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(all.length);
          for (const id of ["p", "q"]) {
            const of = (payload: string) => payload.startsWith(id);
            expect(payloads.filter(of)).toEqual(all.filter(of));
          }
        }
      },
    );
  }
}
