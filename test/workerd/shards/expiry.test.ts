// What goes with a session that has expired, whoever finds that out.

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { SessionRecords } from "../../../src/durable-objects/session-shard/session-records.ts";
import type { SessionShardRpc } from "../../../src/contracts/rpc.ts";
import { TestDeployment } from "./link-client.ts";

/** A client that is away, with a message that waits. Its session has expired, and nobody has noticed. */
async function expired(name: string): Promise<TestDeployment> {
  const here = await TestDeployment.create(name, 1);
  const away = await here.connect("away");
  await away.subscribe("a");
  away.close();
  await away.closed;
  expect(await (await here.connect("publisher")).publish("a", "new")).toBe(0);
  await runInDurableObject(here.sessionShard(0) as never, (_instance, { storage: { sql } }) => {
    sql.exec("UPDATE session SET expires_at = 1, disconnected_at = 1 WHERE client_id = 'away'");
  });
  await here.crash("session");
  return here;
}

it("its queue, though the object ends just behind the call that has met it", async () => {
  const here = await expired("overdue1x");
  const left = await runInDurableObject(here.sessionShard(0) as never, async (instance, { storage: { sql } }) => {
    await (instance as unknown as SessionShardRpc).findClient("away");
    const count = (table: string) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    return [count("message_log"), count("session WHERE client_id = 'away'")];
  });
  expect(left).toEqual([0, 0]);
});

it("sessions of slots that are closed do not keep others waiting", async () => {
  const here = await TestDeployment.create("overdue2x", 1);
  const away = await here.connect("away");
  away.close();
  await away.closed;
  await runInDurableObject(here.sessionShard(0) as never, (_instance, { storage: { sql } }) => {
    const { slot } = sql.exec<{ slot: number }>("SELECT slot FROM session").one();
    sql.exec("UPDATE session SET expires_at = 1000");
    const records = new SessionRecords(sql);
    expect(records.expired(1000, 1, [])).toHaveLength(1);
    expect(records.expired(1000, 1, [slot])).toEqual([]);
    expect([records.nextExpiry(), records.nextExpiry([slot]), records.nextExpiry([slot + 1])]).toEqual([
      1000,
      null,
      1000,
    ]);
  });
});
