// What of slots has come to another shard page by page, and what may happen there before the last page is adopted.

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import mqttPacket from "mqtt-packet";
import { expect, it } from "vitest";
import type { DeploymentConfig } from "../../../src/contracts/deployment-config.ts";
import { defaultBrokerSettings } from "../../../src/contracts/deployment-config.ts";
import type { NumberedMove, SessionShardRpc } from "../../../src/contracts/rpc.ts";
import type { Attach } from "../../../src/contracts/link.ts";
import { baseAttach, config, LinkClient, text } from "../shards/link-client.ts";
import { inStorage } from "./deployment-client.ts";
import { MovingDeployment } from "./moving-client.ts";

const LONG = { timeout: 60_000 };
const ALL: [number, number][] = [[0, 1_024]];
const move: NumberedMove = { id: 7, from: 0, to: 1, slots: Array.from({ length: 1_024 }, (_, slot) => slot) };
/** Two of them fill a page. */
const LARGE = "x".repeat(300_000);

/** One session shard gives all of its slots to another. */
class Arrival {
  readonly deployment: MovingDeployment;
  readonly #more: Partial<DeploymentConfig>;
  #pages = 0;

  private constructor(deployment: MovingDeployment, more: Partial<DeploymentConfig>) {
    this.deployment = deployment;
    this.#more = more;
  }

  static async of(id: string, more: Partial<DeploymentConfig> = {}): Promise<Arrival> {
    return new Arrival(await MovingDeployment.of(id, 1), more);
  }

  get from(): DurableObjectStub & SessionShardRpc {
    return this.deployment.sessionShard(0) as never;
  }

  get to(): DurableObjectStub & SessionShardRpc {
    return this.deployment.sessionShard(1) as never;
  }

  /** All pages are kept, the first is adopted, and there are more. */
  async begin(): Promise<void> {
    await this.#configure([0, 1], 49, { session: ALL, topic: ALL, held: [], move: move.id });
    const { filters } = await this.from.filtersOfSlots(move, "");
    await this.to.expectFilters(move, filters);
    await expect.poll(() => this.to.filtersRouted(move)).toBe(true);
    await this.#configure([0, 1], 50, { session: ALL, topic: ALL, held: [0], move: move.id });
    await this.from.closeSlots(move);
    for (let next: string | null = ""; next !== null;) {
      const page: { bytes: Uint8Array; next: string | null } = await this.from.exportSlots(move, next);
      await this.to.importSlots(move, this.#pages, page.bytes);
      this.#pages += 1;
      ({ next } = page);
    }
    await this.to.adoptSlots(move, this.#pages);
  }

  /** The rest is adopted, and the slots live there now. */
  async finish(): Promise<void> {
    while (!(await this.to.adoptSlots(move, this.#pages)));
    await this.#configure([1, 0], 99, { session: [[1, 1_024]], topic: ALL, held: [], move: move.id });
    while ((await this.from.releaseSlots(move, "")) !== null);
  }

  get pages(): number {
    return this.#pages;
  }

  async connect(clientId: string, change: Partial<Attach> = {}): Promise<LinkClient> {
    const deployment = { sessionShardOf: () => this.to } as never;
    return await LinkClient.open(deployment, { ...baseAttach, clientId, configVersion: 99, ...change });
  }

  async #configure(shards: number[], serial: number, placement: DeploymentConfig["placement"]): Promise<void> {
    for (const index of shards) {
      const value = config(1, { ...this.#more, serial, placement });
      await this.deployment.sessionShard(index).configure(this.deployment.id, index, value);
    }
  }
}

/** Six messages that take pages of their own, for a client that has subscribed to them. */
async function publishLarge(publisher: LinkClient): Promise<void> {
  for (let i = 0; i < 6; i++) await publisher.publish("q/x", `${i} ${LARGE}`);
}

it(
  "keeps a queue in order though the shard that adopts it dies between two pages and reads for its session",
  LONG,
  async () => {
    const arrival = await Arrival.of("arrivalone");
    const publisher = await arrival.deployment.connect("publisher", { sessionExpiryInterval: 0 });
    for (let i = 0; i < 300; i++) await publisher.publish(`r/${i}`, `${i}`, { retain: true });
    const away = await arrival.deployment.connect("away");
    await away.subscribe("q/#");
    await away.subscribe("r/#"); // It does not take all of these, so that more are asked for.
    await publishLarge(publisher);
    await arrival.begin();
    expect(arrival.pages).toBeGreaterThan(2);
    await runInDurableObject(arrival.to as never, (_, state: DurableObjectState) => state.abort("dies")).catch(
      () => undefined,
    );
    await arrival.finish();
    const other = await arrival.connect("publisher", { sessionExpiryInterval: 0 });
    for (let i = 6; i < 9; i++) await other.publish("q/x", `${i} new`);
    const back = await arrival.connect("away");
    back.returnCredit = true;
    const got: string[] = [];
    while (got.length < 9) {
      const message = await back.message();
      if (message.topic === "q/x") got.push(text(message).split(" ", 1)[0] ?? "");
    }
    expect(got).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  },
);

it("gives clients that the move has ended their time from when they can come back", LONG, async () => {
  const arrival = await Arrival.of("arrivaltwo");
  const publisher = await arrival.deployment.connect("publisher", { sessionExpiryInterval: 0 });
  const packet = mqttPacket.generate(
    { cmd: "publish", topic: "will/x", payload: "gone", qos: 1, retain: false, dup: false, messageId: 1 },
    { protocolVersion: 5 },
  );
  const will = { packet: packet.toString("base64"), delayInterval: 0 };
  const away = await arrival.deployment.connect("away", { sessionExpiryInterval: 20, will });
  await away.subscribe("q/#");
  await publishLarge(publisher);
  await arrival.begin();
  // The rest takes a minute.
  await inStorage(arrival.to, (sql) => {
    sql.exec("UPDATE session SET expires_at = expires_at - 60000").toArray();
    sql.exec("UPDATE will SET due = due - 60000").toArray();
  });
  await arrival.finish();
  await runDurableObjectAlarm(arrival.to as never);
  const left = await inStorage(arrival.to, (sql) => sql.exec("SELECT client_id FROM will").toArray());
  expect(left).toEqual([{ client_id: "away" }]);
  const back = await arrival.connect("away", { sessionExpiryInterval: 20 });
  expect(back.sessionPresent).toBe(true);
});

it(
  "keeps the order of a topic where queues have priorities, whatever each shard calls their tables",
  LONG,
  async () => {
    const tables: Record<string, number>[] = [{ "b/y": 1 }, { "b/y": 2 }, { "b/y": 3 }, { "a/x": 10 }];
    const settingsOf = (queuePriorities: Record<string, number>) => ({ ...defaultBrokerSettings, queuePriorities });
    const arrival = await Arrival.of("arrivalthree", { version: 5, settings: settingsOf({ "a/x": 10 }) });
    const publisher = await arrival.deployment.connect("publisher", { sessionExpiryInterval: 0 });
    const away = await arrival.deployment.connect("away");
    await away.subscribe("a/x");
    away.close();
    for (const [i, table] of tables.entries()) {
      const value = config(1, { version: i + 2, settings: settingsOf(table), serial: 10 * (i + 1) });
      await arrival.from.configure(arrival.deployment.id, 0, value);
    }
    for (let i = 0; i < 3; i++) await publisher.publish("a/x", `${i}`);
    await arrival.begin();
    await arrival.finish();
    const other = await arrival.connect("publisher", { sessionExpiryInterval: 0 });
    for (let i = 3; i < 6; i++) await other.publish("a/x", `${i}`);
    const back = await arrival.connect("away");
    const got: string[] = [];
    for (let i = 0; i < 6; i++) got.push(text(await back.message()));
    expect(got).toEqual(["0", "1", "2", "3", "4", "5"]);
  },
);
