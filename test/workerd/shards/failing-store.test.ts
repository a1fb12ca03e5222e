// A session shard that cannot write for a while: what is not safe is not acknowledged, and becomes safe later.

import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { log } from "../../../src/platform/log.ts";
import { TestDeployment, text } from "./link-client.ts";

beforeEach(() => {
  vi.spyOn(log, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function inSessionShard(deployment: TestDeployment, sql: string): Promise<void> {
  return runInDurableObject(deployment.sessionShard(0) as never, (_instance, { storage }) => {
    storage.sql.exec(sql);
  });
}

it("acknowledges a message that its subscriber does not as soon as it can be written", async () => {
  const here = await TestDeployment.create("storefails1x", 1);
  const subscriber = await here.connect("subscriber");
  await subscriber.subscribe("t");
  const publisher = await here.connect("publisher");
  await inSessionShard(here, "CREATE TRIGGER full BEFORE INSERT ON queue BEGIN SELECT RAISE(ABORT, 'no room'); END");
  const acknowledged = publisher.publish("t", "kept");
  expect(text(await subscriber.message(false))).toBe("kept");
  await vi.waitFor(() => expect(log.error).toHaveBeenCalled());
  expect(publisher.log.some(({ cmd }) => cmd === "puback")).toBe(false);
  await inSessionShard(here, "DROP TRIGGER full");
  expect(await acknowledged).toBe(0);
  await here.crash("session");
  const again = await here.connect("subscriber");
  expect(text(await again.message())).toBe("kept");
});
