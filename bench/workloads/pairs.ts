// Each publisher has a subscriber and a topic of its own, and `window` messages under way.

import type { LoadClient, Qos, Target } from "../client.ts";
import { connect, forget, newClientId, PAYLOAD } from "./clients.ts";
import { Meter } from "./meter.ts";
import { Queue } from "./queue.ts";
import type { Result } from "./workload.ts";

export interface Pairs {
  count: number;
  qos: Qos;
  window: number;
  /** The subscribers' sessions outlive their connections. */
  persistent?: boolean;
}

export async function pairs(
  target: Target,
  seconds: number,
  { count, qos, window, persistent = false }: Pairs,
): Promise<Result> {
  const meter = new Meter(target);
  const all: LoadClient[] = [];
  const sessions: string[] = [];
  const starts: (() => void)[] = [];
  for (let i = 0; i < count; i++) {
    const clientId = newClientId();
    const [subscriber, publisher] = [await connect(target, { clientId, clean: !persistent }), await connect(target)];
    all.push(subscriber, publisher);
    if (persistent) sessions.push(clientId);
    const topic = `bench/pairs/${i}`;
    await subscriber.subscribe(topic, qos);
    const next = loop(meter, subscriber, publisher, publisher.publisher(topic, qos, PAYLOAD), qos);
    starts.push(() => {
      for (let n = 0; n < window; n++) next();
    });
  }
  for (const start of starts) start();
  const result = await meter.run(seconds, () => meter.sent);
  await Promise.all(all.map((client) => client.close()));
  await Promise.all(sessions.map((clientId) => forget(target, clientId)));
  return result;
}

/** Sends the next message whenever one is through: delivered and, above QoS 0, acknowledged. */
function loop(meter: Meter, subscriber: LoadClient, publisher: LoadClient, publish: () => void, qos: Qos): () => void {
  const sentAt = new Queue();
  const waiting = { delivered: 0, acknowledged: 0 };
  const next = () => {
    if (meter.stopped) return;
    meter.sent += 1;
    sentAt.push(performance.now());
    publish();
  };
  const step = () => {
    while (waiting.delivered > 0 && waiting.acknowledged > 0) {
      waiting.delivered -= 1;
      waiting.acknowledged -= 1;
      next();
    }
  };
  subscriber.onMessage = () => {
    meter.deliver(sentAt.shift());
    waiting.delivered += 1;
    if (qos === 0) waiting.acknowledged += 1;
    step();
  };
  publisher.onAcknowledged = () => {
    waiting.acknowledged += 1;
    step();
  };
  return next;
}
