// One publisher, many subscribers, QoS 0; a message is through when the last subscriber has it.

import type { Target } from "../client.ts";
import { connect, PAYLOAD } from "./clients.ts";
import { Meter } from "./meter.ts";
import type { Result } from "./workload.ts";

export async function fanOut(target: Target, seconds: number, count: number, window: number): Promise<Result> {
  const meter = new Meter(target);
  const publisher = await connect(target);
  const subscribers = await Promise.all(Array.from({ length: count }, () => connect(target)));
  await Promise.all(subscribers.map((subscriber) => subscriber.subscribe("bench/fan-out", 0)));
  const publish = publisher.publisher("bench/fan-out", 0, PAYLOAD);
  const sentAt: number[] = [];
  const got = subscribers.map(() => 0);
  const left: number[] = [];
  let through = 0;
  const next = () => {
    if (meter.stopped) return;
    meter.sent += 1;
    sentAt.push(performance.now());
    left.push(count);
    publish();
  };
  for (const [i, subscriber] of subscribers.entries()) {
    subscriber.onMessage = () => {
      const message = got[i] ?? 0;
      got[i] = message + 1;
      meter.deliver(sentAt[message]);
      left[message] = (left[message] ?? 0) - 1;
      while (left[through] === 0) {
        through += 1;
        next();
      }
    };
  }
  for (let n = 0; n < window; n++) next();
  const result = await meter.run(seconds, () => meter.sent * count);
  await Promise.all([publisher, ...subscribers].map((client) => client.close()));
  return result;
}
