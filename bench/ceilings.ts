// `npm run bench:ceilings`: what bounds the service where it is loaded the most: one topic with very many subscribers, one
// topic shard with very many publishers, one session shard with very many slow devices, a full shard that wakes. At each
// the most that it does, then twice as much: how that is answered, counted and borne.

import { z } from "zod";
import { claimPort } from "../scripts/start/claim-port.ts";
import { benchmark } from "./benchmark.ts";
import { startFulmar } from "./brokers/fulmar.ts";
import type { Service } from "./ceilings/ceiling.ts";
import { fanIn } from "./ceilings/fan-in.ts";
import { fanOut } from "./ceilings/fan-out.ts";
import { slowDevices } from "./ceilings/slow-devices.ts";
import { waking } from "./ceilings/waking.ts";
import { Inspector } from "./inspector.ts";
import { count, positive, readOptions } from "./options.ts";

const FAN_IN_SHARDS = 4;
/** Of a full shard that wakes. */
const SESSIONS_MAX = 30_000;

const ceilings: Record<string, { shards: number; run(service: Service): Promise<string> }> = {
  "fan-out": { shards: 1, run: (service) => fanOut(service, seconds) },
  "fan-in": { shards: FAN_IN_SHARDS, run: (service) => fanIn(service, seconds) },
  slow: { shards: 1, run: (service) => slowDevices(service, seconds) },
  waking: { shards: 1, run: (service) => waking(service, sessions) },
};
const all = Object.keys(ceilings);

const usage = `bench:ceilings: [--only ${all.join(",")}] [--seconds N] [--sessions N]`;
const { only, seconds, sessions } = readOptions(usage, {
  only: z
    .string()
    .transform((names) => names.split(","))
    .refine((names) => names.every((name) => all.includes(name)))
    .default(all),
  seconds: positive.default(5),
  sessions: count.max(SESSIONS_MAX).default(SESSIONS_MAX),
});

await benchmark(async (keep) => {
  for (const name of only) {
    const ceiling = ceilings[name];
    if (ceiling === undefined) continue;
    const inspectorPort = await claimPort("127.0.0.1", 0);
    const fulmar = keep(await startFulmar({ shards: ceiling.shards, counting: true, inspectorPort }));
    const inspector = await Inspector.open(inspectorPort);
    console.log(`\n${await ceiling.run({ fulmar, inspector })}`);
    inspector.close();
    await fulmar.stop();
  }
});
