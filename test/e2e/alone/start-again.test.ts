// Who stops the service and starts it again does not wait long for it.

import { afterAll, beforeAll, expect, it } from "vitest";
import { StartedService } from "../service.ts";

let service: StartedService;
beforeAll(async () => (service = await StartedService.start()));
afterAll(async () => await service.dispose());

it("is ready again within ten seconds", async () => {
  await service.stop();
  const begun = performance.now();
  await service.again();
  expect(performance.now() - begun).toBeLessThan(10_000);
});
