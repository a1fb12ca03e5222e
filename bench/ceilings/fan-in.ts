// One topic shard with very many publishers, which are spread over the session shards, to 20 subscribers.

import type { Qos } from "../client.ts";
import { type Ceiling, ceilingTables, measureCeiling, type Service } from "./ceiling.ts";
import { crowd, disperse } from "./crowd.ts";
import { Flow } from "./flow.ts";

const PUBLISHERS = [10, 100, 1_000];
const SUBSCRIBERS = 20;
/** Messages under way of each publisher, and of all. */
const WINDOW = { 0: [100, 4_000], 1: [20, 2_000], 2: [20, 2_000] } as const;
/** All in one topic shard, by the first two levels. */
const topicOf = (qos: Qos, place: number) => `ceiling/fan-in/${qos}/${place % SUBSCRIBERS}`;

export async function fanIn(service: Service, seconds: number): Promise<string> {
  const { target } = service.fulmar;
  const subscribers = await crowd(target, SUBSCRIBERS, {}, async (client, place) => {
    for (const qos of [0, 1] as const) await client.subscribe(topicOf(qos, place), qos);
  });
  const clients = await crowd(target, PUBLISHERS[0] ?? 0);
  const measured: Ceiling[] = [];
  for (const total of PUBLISHERS) {
    clients.push(...(await crowd(target, total - clients.length)));
    for (const qos of [0, 1] as const) {
      const publishers = clients.map((client, place) => ({ client, topic: topicOf(qos, place) }));
      const flow = new Flow({ publishers, subscribers, copies: 1, qos });
      const name = `${total.toLocaleString("en")} publishers, QoS ${qos}`;
      const [each, most] = WINDOW[qos];
      const window = Math.min(most, each * total);
      measured.push(await measureCeiling(service, name, flow, { copies: 1, window, seconds }));
    }
  }
  await disperse([...subscribers, ...clients]);
  return ceilingTables(measured);
}
