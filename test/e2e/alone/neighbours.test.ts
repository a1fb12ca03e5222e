// A subscriber that misbehaves costs those beside it little. The benchmark tells the figure; here stands a bound that
// holds on a busy machine too.

import { afterAll, beforeAll, expect, it } from "vitest";
import { measureNeighbour, misbehaviours, type Misbehaviour } from "../../../bench/neighbours.ts";
import { newDeployment, StartedService } from "../service.ts";

const RATIO_MIN = 0.6;

let service: StartedService;
beforeAll(async () => (service = await StartedService.start()));
afterAll(async () => await service.dispose());

it.each(Object.entries(misbehaviours))("%s: one that %s leaves the others their speed", async (kind) => {
  const made = await newDeployment(service.url);
  const target = { url: made.deployment.endpoints.mqtt, ...made.credentials };
  const { ratio } = await measureNeighbour(target, kind as Misbehaviour, 1);
  console.log(`${kind}: ${ratio.toFixed(2)}`); // oxlint-disable-line no-console -- the figure is what a reader wants
  expect(ratio).toBeGreaterThan(RATIO_MIN);
});
