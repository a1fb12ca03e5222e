// Connections, `atATime` being made at any moment. Latency is from the opening of the socket to CONNACK.

import type { LoadClient, Target } from "../client.ts";
import { readCounts, since } from "../counts.ts";
import { connect } from "./clients.ts";
import { percentiles } from "./meter.ts";
import type { Result } from "./workload.ts";

export async function connects(target: Target, count: number, atATime: number): Promise<Result> {
  const latencies: number[] = [];
  const all: LoadClient[] = [];
  const before = await readCounts(target);
  let started = 0;
  const from = performance.now();
  const worker = async () => {
    while (started < count) {
      started += 1;
      const begun = performance.now();
      all.push(await connect(target));
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  const perSecond = count / ((performance.now() - from) / 1_000);
  const counts = since(await readCounts(target), before);
  await Promise.all(all.map((client) => client.close()));
  return { perSecond, ...percentiles(latencies), lost: 0, counts, counted: count };
}
