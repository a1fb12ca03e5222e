// Publishers, subscribers and a group over real shards, and what must hold of them when all has come through.

import { expect } from "vitest";
import type { FaultyDeployment } from "./faulty-deployment.ts";
import { matchesFilter } from "./matches-filter.ts";
import { ModelPublisher } from "./model-publisher.ts";
import { ModelSubscriber } from "./model-subscriber.ts";

const TOPICS = ["a/1/x", "b/2/x", "c/3/x", "d/4/x"];
/** A publisher's messages that are not finished: past them it waits, since the edge would. */
const OPEN_MAX = 40;

export class World {
  readonly deployment: FaultyDeployment;
  readonly publishers: ModelPublisher[];
  readonly subscribers: ModelSubscriber[];
  /** Of one group. */
  readonly members: ModelSubscriber[];
  readonly #random: () => number;

  constructor(deployment: FaultyDeployment) {
    this.deployment = deployment;
    this.#random = deployment.plan.random;
    this.publishers = ["p", "q", "r"].map((id) => new ModelPublisher(deployment, id));
    this.subscribers = [
      new ModelSubscriber(deployment, "all", "#", 32),
      new ModelSubscriber(deployment, "level", "+/+/x", 4),
      new ModelSubscriber(deployment, "topic", "a/1/x", 8),
      new ModelSubscriber(deployment, "branch", "b/2/#", 1),
    ];
    this.members = ["x", "y", "z"].map((id) => new ModelSubscriber(deployment, id, "$share/g/#", 8));
  }

  get #everyone() {
    return [...this.publishers, ...this.subscribers, ...this.members];
  }

  /** What the group got. */
  get shared(): string[] {
    return this.members.flatMap(({ got }) => got);
  }

  async begin(): Promise<void> {
    await Promise.all(this.#everyone.map((each) => each.begin()));
    this.deployment.begin();
  }

  async step(): Promise<void> {
    const random = this.#random;
    const drawn = random();
    if (drawn < 0.6) this.publish();
    else if (drawn < 0.7) await this.deployment.crashOne(random);
    else if (drawn < 0.85) this.#pick(this.#everyone).drop();
    else if (drawn < 0.93) this.#pick([...this.subscribers, ...this.members]).silence();
    else this.#pick([...this.subscribers, ...this.members]).speak();
    // The next step comes a random part of a deadline later, so that it meets the shards in any state.
    await new Promise((resolve) => setTimeout(resolve, random() * 30));
  }

  /** Nothing fails any more: all that is under way comes through. */
  async settle(): Promise<void> {
    this.deployment.plan.end();
    for (const each of [...this.subscribers, ...this.members]) each.speak();
    const wait = { timeout: 40_000 };
    await expect.poll(() => this.publishers.map(({ open }) => open), wait).toEqual(this.publishers.map(() => 0));
    for (const { filter, got } of this.subscribers) {
      await expect.poll(() => ({ filter, missing: this.missing(filter, got) }), wait).toEqual({ filter, missing: [] });
    }
    await expect.poll(() => this.missing("#", this.shared), wait).toEqual([]);
  }

  end(): void {
    for (const each of this.#everyone) each.end();
  }

  /** What was acknowledged and has not come. */
  missing(filter: string, got: readonly string[]): string[] {
    const here = new Set(got);
    return this.publishers.flatMap(({ acknowledged }) =>
      [...acknowledged].filter(
        (payload) => matchesFilter(payload.split(" ", 1)[0] ?? "", filter) && !here.has(payload),
      ),
    );
  }

  publish(): void {
    const publisher = this.#pick(this.publishers);
    const topic = this.#pick(TOPICS);
    const messages = 1 + Math.floor(this.#random() * 8);
    for (let i = 0; i < messages && publisher.open < OPEN_MAX; i++) {
      publisher.publish(topic, this.#random() < 0.5 ? 1 : 2);
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }
}

/** What a subscriber got is what was published, in order, and at QoS 2 once. */
export function holds(
  { publishers }: World,
  { filter, got, lostSession, mostUnacknowledged, receiveMaximum }: ModelSubscriber,
) {
  expect(lostSession).toBe(false);
  expect(mostUnacknowledged).toBeLessThanOrEqual(receiveMaximum); // [MQTT-3.3.4-9]
  expect(comeTwice(got)).toEqual([]);
  const first = [...new Set(got)];
  for (const { published } of publishers) {
    for (const [key, payloads] of published) {
      const [topic = ""] = key.split(" ", 1);
      const came = first.filter((payload) => payload.startsWith(key));
      expect(came).toEqual(matchesFilter(topic, filter) ? payloads : []);
    }
  }
}

/** Messages of QoS 2 that came again. */
export function comeTwice(got: readonly string[]): string[] {
  const once = got.filter((payload) => payload.split(" ")[1] === "2");
  return once.filter((payload, i) => once.indexOf(payload) !== i);
}
