// One topic with very many subscribers in one shard, one publisher; and as many connections as a shard takes, and one more.

import { limits } from "../../src/broker/limits.ts";
import { LoadClient, type Qos } from "../client.ts";
import { type Ceiling, ceilingTables, measureCeiling, type Service } from "./ceiling.ts";
import { crowd, disperse, quiet } from "./crowd.ts";
import { Flow } from "./flow.ts";

const SUBSCRIBERS = [1, 10, 100, 1_000, 4_000];
/** Copies that are under way at a time, and messages. */
const COPIES_UNDER_WAY = 40_000;
const WINDOW = { 0: [40, 400], 1: [32, 100], 2: [32, 100] } as const;
const topicOf = (qos: Qos) => `ceiling/fan-out/${qos}`;

export async function fanOut(service: Service, seconds: number): Promise<string> {
  const { target } = service.fulmar;
  const subscribers: LoadClient[] = [];
  const measured: Ceiling[] = [];
  for (const copies of SUBSCRIBERS) {
    const more = await crowd(target, copies - subscribers.length, {}, async (client) => {
      for (const qos of [0, 1] as const) await client.subscribe(topicOf(qos), qos);
    });
    subscribers.push(...more);
    for (const qos of [0, 1] as const) {
      const publisher = await LoadClient.connect(target, quiet());
      const flow = new Flow({ publishers: [{ client: publisher, topic: topicOf(qos) }], subscribers, copies, qos });
      const [least, most] = WINDOW[qos];
      const window = Math.min(most, Math.max(least, Math.floor(COPIES_UNDER_WAY / copies)));
      const name = `${copies.toLocaleString("en")} subscribers, QoS ${qos}`;
      measured.push(await measureCeiling(service, name, flow, { copies, window, seconds }));
      await publisher.close();
    }
  }
  const full = await fill(service, subscribers);
  return `${ceilingTables(measured)}\n\n${full}`;
}

/** Connects as many as a shard takes, then one more. */
async function fill({ fulmar }: Service, connected: LoadClient[]): Promise<string> {
  const { target } = fulmar;
  const more = await crowd(target, limits.connectionsPerShard - connected.length);
  let refusedWith: number | null = null;
  const onEnd = (reasonCode: number | null) => {
    refusedWith = reasonCode;
  };
  const tooMany = await LoadClient.connect(target, { ...quiet(), onEnd }).then(
    () => "let in",
    () => `refused with ${refusedWith === null ? "nothing" : `0x${refusedWith.toString(16)}`}`,
  );
  const metrics = (await fulmar.ask("/metrics?aggregate=true")) as Record<string, number>;
  const [last] = more.splice(-1);
  await last?.leave();
  const [again] = await crowd(target, 1);
  await disperse([...connected, ...more, ...(again === undefined ? [] : [again])]);
  const counted = `connections.refused ${metrics["connections.refused"]}`;
  const total = limits.connectionsPerShard;
  return `${total.toLocaleString("en")} connections of one shard: the next is ${tooMany}, counted: ${counted}; when one left, another is let in`;
}
