// More shards, and fewer, while clients publish at full rate, and `kill -9` meanwhile: what was acknowledged arrives, in
// order; QoS 2 once; sessions and retained messages are there; clients at most connect again.

import { randomInt } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import type { IClientOptions } from "mqtt";
import mqtt, { type MqttClient } from "mqtt";
import type { NewDeployment, ServiceApi } from "../../scripts/demo/service-api.ts";
import { connect, persistent, signUp, StartedService } from "./service.ts";

const PUBLISHERS = 8;
const WINDOW = 10;
const RETAINED = 200;
/** Messages that the subscriber has still to get: past them publishers wait, since its queue drops its oldest when full. */
const BEHIND_MAX = 500;

const shardingSchema = z.object({ shards: z.object({ done: z.boolean() }) });

/** A client that connects again by itself, to the session that it has. */
function steady({ deployment, credentials }: NewDeployment, clientId: string): MqttClient {
  const options: IClientOptions = { ...credentials, ...persistent(clientId, 5), reconnectPeriod: 50, keepalive: 30 };
  const client = mqtt.connect(deployment.endpoints.mqtt, options);
  client.on("error", () => {});
  return client;
}

/** Publishes on topics of its own until stopped, so many at a time; what is acknowledged is noted, in order of its topic. */
class Publisher {
  readonly acknowledged: string[] = [];
  readonly #client: MqttClient;
  readonly #work: Promise<void>;
  #stopped = false;

  constructor(made: NewDeployment, index: number, mayGoOn: () => boolean) {
    this.#client = steady(made, `publisher ${index}`);
    this.#work = this.#run(`load/${index}`, index % 2 === 0 ? 1 : 2, mayGoOn);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    await this.#client.endAsync();
  }

  async #run(topic: string, qos: 1 | 2, mayGoOn: () => boolean): Promise<void> {
    const waiting = new Set<Promise<void>>();
    for (let n = 0; !this.#stopped; n++) {
      while (!mayGoOn() && !this.#stopped) await pass(5);
      const text = `${topic} ${qos} ${n}`;
      const sent: Promise<void> = this.#client.publishAsync(topic, text, { qos }).then(
        () => {
          this.acknowledged.push(text);
          waiting.delete(sent);
        },
        () => void waiting.delete(sent),
      );
      waiting.add(sent);
      if (waiting.size >= WINDOW) await Promise.race(waiting);
    }
    await Promise.all(waiting);
  }
}

async function reshape(account: ServiceApi, id: string, shards: { session: number; topic: number }): Promise<void> {
  const response = await account.call("PATCH", `/api/deployments/${id}`, { shards });
  expect([200, 202]).toContain(response.status);
}

/** Whether the shards are as they shall be; false, too, while the service is dead. */
async function done(account: ServiceApi, id: string): Promise<boolean> {
  try {
    const response = await account.call("GET", `/api/deployments/${id}/shards`);
    return response.status === 200 && shardingSchema.parse(await response.json()).shards.done;
  } catch {
    return false;
  }
}

function inOrder(got: readonly string[], topic: string): number[] {
  const first = new Set(got.filter((text) => text.startsWith(`${topic} `)));
  return Array.from(first, (text) => Number(text.split(" ")[2]));
}

it.each([{ kills: 0 }, { kills: 2 }])(
  "slots move under load, with $kills kills",
  { timeout: 300_000 },
  async ({ kills }) => {
    const service = await StartedService.start();
    try {
      const account = await signUp(service.url);
      const made = await account.createDeployment("moving");
      const { id } = made.deployment;

      const offline = await connect(made, persistent("offline", 5));
      await offline.client.subscribeAsync("kept/#", { qos: 1 });
      for (let i = 0; i < RETAINED; i++) {
        await offline.client.publishAsync(`kept/${i}`, `kept ${i}`, { qos: 1, retain: true });
      }
      await offline.end();

      const got: string[] = [];
      const here = new Set<string>();
      const subscriber = steady(made, "subscriber");
      subscriber.on("message", (_topic, payload) => {
        got.push(payload.toString());
        here.add(payload.toString());
      });
      await subscriber.subscribeAsync("load/#", { qos: 2 });

      const mayGoOn = () => {
        const acknowledged = publishers.reduce((sum, each) => sum + each.acknowledged.length, 0);
        return acknowledged - here.size < BEHIND_MAX;
      };
      const publishers: Publisher[] = [];
      for (let i = 0; i < PUBLISHERS; i++) publishers.push(new Publisher(made, i, mayGoOn));
      await expect.poll(() => got.length, { timeout: 20_000 }).toBeGreaterThan(500);
      for (const shards of [
        { session: 3, topic: 3 },
        { session: 2, topic: 1 },
      ]) {
        await reshape(account, id, shards);
        for (let i = 0; i < kills / 2; i++) {
          // Death comes at any moment of the moves.
          await pass(randomInt(200, 1_500));
          await service.kill();
          await service.again();
        }
        await expect.poll(() => done(account, id), { timeout: 90_000, interval: 100 }).toBe(true);
      }
      const before = got.length;
      await expect.poll(() => got.length, { timeout: 20_000 }).toBeGreaterThan(before + 500);
      await Promise.all(publishers.map((publisher) => publisher.stop()));

      const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
      const missing = () => acknowledged.filter((text) => !here.has(text));
      await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
      for (let i = 0; i < PUBLISHERS; i++) {
        const numbers = inOrder(got, `load/${i}`);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
      const once = got.filter((text) => text.split(" ")[1] === "2");
      expect(once.length - new Set(once).size).toBe(0);
      expect(acknowledged.length).toBeGreaterThan(1_000);
      await subscriber.endAsync();

      const back = await connect(made, persistent("offline", 5));
      expect(back.sessionPresent).toBe(true);
      await back.client.subscribeAsync("kept/+", { qos: 1 });
      await back.until(() => (new Set(back.received.map(({ text }) => text)).size === RETAINED ? true : undefined));
      await back.end();
    } finally {
      await service.dispose();
    }
  },
);
