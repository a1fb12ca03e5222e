// Many publishers, one subscriber, QoS 1; each publisher has `window` unacknowledged. Latency is publish to PUBACK.

import type { Target } from "../client.ts";
import { connect, PAYLOAD } from "./clients.ts";
import { Meter } from "./meter.ts";
import { Queue } from "./queue.ts";
import type { Result } from "./workload.ts";

export async function fanIn(target: Target, seconds: number, count: number, window: number): Promise<Result> {
  const meter = new Meter(target);
  const subscriber = await connect(target);
  await subscriber.subscribe("bench/fan-in/+", 1);
  subscriber.onMessage = () => meter.deliver(undefined);
  const publishers = await Promise.all(Array.from({ length: count }, () => connect(target)));
  for (const [i, publisher] of publishers.entries()) {
    const publish = publisher.publisher(`bench/fan-in/${i}`, 1, PAYLOAD);
    const sentAt = new Queue();
    const next = () => {
      if (meter.stopped) return;
      meter.sent += 1;
      sentAt.push(performance.now());
      publish();
    };
    publisher.onAcknowledged = () => {
      meter.answer(sentAt.shift());
      next();
    };
    for (let n = 0; n < window; n++) next();
  }
  const result = await meter.run(seconds, () => meter.sent);
  await Promise.all([subscriber, ...publishers].map((client) => client.close()));
  return result;
}
