// An open loop: messages come at a rate, each at its moment, whatever became of those before. Latency is from the moment
// at which a message was to be sent, so a broker that is late is not spared the messages that it kept waiting.

import type { LoadClient, Target } from "../client.ts";
import { wait } from "../wait.ts";
import { connect, PAYLOAD } from "./clients.ts";
import { Meter } from "./meter.ts";
import { Queue } from "./queue.ts";
import type { Result } from "./workload.ts";

export interface Rate {
  /** Publishers, each with a subscriber of its own. */
  count: number;
  /** Of all of them. */
  perSecond: number;
  /** Numbers in [0, 1): messages come at random moments, each from any of them, over topics that are spread over the
   *  shards. Left out: in turn, in even steps. */
  random?: () => number;
}

export async function steady(target: Target, seconds: number, { count, perSecond, random }: Rate): Promise<Result> {
  const meter = new Meter(target);
  const all: LoadClient[] = [];
  const sends: ((due: number) => void)[] = [];
  for (let i = 0; i < count; i++) {
    const [subscriber, publisher] = [await connect(target), await connect(target)];
    all.push(subscriber, publisher);
    // The first two levels say in which shard it is.
    const topic = random === undefined ? `bench/steady/${i}` : `bench/random-${i}`;
    await subscriber.subscribe(topic, 1);
    const publish = publisher.publisher(topic, 1, PAYLOAD);
    const dueAt = new Queue();
    subscriber.onMessage = () => meter.deliver(dueAt.shift());
    sends.push((due) => {
      dueAt.push(due);
      publish();
    });
  }
  const gapMs = () => (random === undefined ? 1 : -Math.log(1 - random())) * (1_000 / perSecond);
  const next = () => (random === undefined ? meter.sent % count : Math.floor(random() * count));
  let due = performance.now();
  const sending = (async () => {
    while (!meter.stopped) {
      for (; due <= performance.now(); due += gapMs()) {
        sends[next()]?.(due);
        meter.sent += 1;
      }
      await wait(1);
    }
  })();
  const result = await meter.run(seconds, () => meter.sent);
  await sending;
  await Promise.all(all.map((client) => client.close()));
  return result;
}
