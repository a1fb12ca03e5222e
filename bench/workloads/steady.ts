// An open loop: messages come at a rate, each at its moment, whatever became of those before. Latency is from the moment
// at which a message was to be sent, so a broker that is late is not spared the messages that it kept waiting.

import type { LoadClient, Target } from "../client.ts";
import { wait } from "../wait.ts";
import { connect, PAYLOAD } from "./clients.ts";
import { Meter } from "./meter.ts";
import { Queue } from "./queue.ts";
import type { Result } from "./workload.ts";

export async function steady(target: Target, seconds: number, count: number, perSecond: number): Promise<Result> {
  const meter = new Meter(target);
  const all: LoadClient[] = [];
  const sends: ((due: number) => void)[] = [];
  for (let i = 0; i < count; i++) {
    const [subscriber, publisher] = [await connect(target), await connect(target)];
    all.push(subscriber, publisher);
    await subscriber.subscribe(`bench/steady/${i}`, 1);
    const publish = publisher.publisher(`bench/steady/${i}`, 1, PAYLOAD);
    const dueAt = new Queue();
    subscriber.onMessage = () => meter.deliver(dueAt.shift());
    sends.push((due) => {
      dueAt.push(due);
      publish();
    });
  }
  const from = performance.now();
  const sending = (async () => {
    while (!meter.stopped) {
      for (;;) {
        const due = from + (meter.sent * 1_000) / perSecond;
        if (due > performance.now()) break;
        sends[meter.sent % count]?.(due);
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
