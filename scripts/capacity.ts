// `npm run capacity`: what a fleet of devices takes and costs on Cloudflare, beside EMQX Serverless and AWS IoT Core, and
// how it comes back when all of its connections end. docs/capacity.md explains the figures.

import { alternativesOf } from "./capacity/alternatives.ts";
import { monthOf } from "./capacity/model.ts";
import type { CapacityOptions } from "./capacity/options.ts";
import { capacityHelp, readCapacityOptions } from "./capacity/options.ts";
import { peersOf } from "./capacity/peers.ts";
import type { Capacity } from "./capacity/report.ts";
import { reportOf } from "./capacity/report.ts";
import { fullnessOf, shardsNeeded, tooFull } from "./capacity/shards.ts";
import { simulate } from "./capacity/simulation.ts";

try {
  const options = readCapacityOptions(process.argv.slice(2));
  if (options === "help") console.log(capacityHelp);
  else {
    const capacity = capacityOf(options);
    console.log(options.json ? JSON.stringify(capacity) : reportOf(capacity));
  }
} catch (error) {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
  console.error(`capacity: ${line}`);
  process.exit(1);
}

function capacityOf(options: CapacityOptions): Capacity {
  const shards = shardsNeeded(options);
  const fullness = fullnessOf(options, shards);
  const month = monthOf(options, shards);
  return {
    options,
    month,
    fullness,
    tooFull: tooFull(fullness, options.utilisation),
    peers: peersOf(options, month),
    alternatives: alternativesOf(options, shards),
    simulation: options.simulate ? simulate(options, shards) : null,
  };
}
