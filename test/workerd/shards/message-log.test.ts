// The message log over an object's SQLite, and what earlier releases stored: read as they wrote it, moved to the log when
// its session is touched.

import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { readTrustedPublish } from "../../../src/broker/mqtt/publish.ts";
import { Message } from "../../../src/broker/session/message.ts";
import type { StoredEntry } from "../../../src/broker/session/session-store.ts";
import { logBounds } from "../../../src/durable-objects/session-shard/message-log/log-bounds.ts";
import { SqlLogTables } from "../../../src/durable-objects/session-shard/message-log/sql-log-tables.ts";
import { Origins } from "../../../src/durable-objects/session-shard/origins.ts";
import { SqlSessionStore } from "../../../src/durable-objects/session-shard/sql-session-store.ts";
import { checkLog, lowBounds } from "../../unit/message-log/store-model.ts";
import { TestDeployment, text } from "./link-client.ts";

const ALL = Number.MAX_SAFE_INTEGER;

function failed(error: unknown): never {
  throw error;
}

async function inShard<T>(name: string, work: (sql: SqlStorage) => T): Promise<T> {
  const deployment = await TestDeployment.create(name, 1);
  return runInDurableObject(deployment.sessionShard(0) as never, (_instance, { storage }) =>
    storage.transactionSync(() => work(storage.sql)),
  );
}

function newTables(sql: SqlStorage): SqlLogTables {
  for (const table of ["message_log", "message_index", "message_references"]) sql.exec(`DELETE FROM ${table}`);
  sql.exec("DELETE FROM meta WHERE key = 'message_log'");
  return new SqlLogTables(sql, failed);
}

it.each([
  ["low bounds", lowBounds, 25],
  ["its bounds", logBounds, 15],
])("holds what a list of entries does, over restarts, with %s", { timeout: 60_000 }, async (_name, bounds, runs) => {
  await inShard(`messagelog${runs}x`, (sql) => {
    expect(() => checkLog(() => newTables(sql), { seed: 23, runs, bounds })).not.toThrow();
  });
});

/** PUBLISH at QoS 1 of "a", as it was stored. */
const PACKET = [0x32, 6, 0, 1, 0x61, 0, 1, 0];

/** Three messages as the releases before the log have written them, for sessions 1 and 2. */
function writeOld(sql: SqlStorage): void {
  for (const [id, recipients] of [
    [1, 2],
    [2, 1],
    [3, 2],
  ] as const) {
    const packet = Uint8Array.of(...PACKET, 0x30 + id);
    packet[1] = packet.length - 2;
    sql.exec(
      "INSERT INTO message (id, publisher, expires_at, recipients, packet) VALUES (?, 7, 0, ?, ?)",
      id,
      recipients,
      packet.buffer,
    );
  }
  sql.exec(
    `INSERT INTO queue (uid, n, message, qos, retain, identifiers, share) VALUES
       (1, 4, 1, 1, 0, '', ''), (1, 5, 2, 2, 1, '3,300', ''), (1, 6, 3, 1, 0, '', '$share/g/a'),
       (2, 9, 1, 0, 0, '', ''), (2, 10, 3, 1, 0, '', '')`,
  );
}

function newStore(sql: SqlStorage): SqlSessionStore {
  return new SqlSessionStore({ sql, onRemoved: () => undefined, failed });
}

function payloadOf({ publish: { bytes, payloadOffset } }: Message): string {
  return new TextDecoder().decode(bytes.subarray(payloadOffset));
}

function seen({ n, qos, retain, identifiers, share, message }: StoredEntry): unknown {
  return [n, qos, retain, identifiers, share, message.publisher, payloadOf(message)];
}

it("moves what earlier releases stored to the log, session by session, each message once", async () => {
  await inShard("oldqueuex", (sql) => {
    const left = (table: string) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    writeOld(sql);
    expect(newStore(sql).queued).toBe(5);
    expect(newStore(sql).largest(5)).toEqual([1, 2]);
    const first = newStore(sql);
    expect(first.read(1, 0, ALL).map(seen)).toEqual([
      [4, 1, false, [], "", 7, "1"],
      [5, 2, true, [3, 300], "", 7, "2"],
      [6, 1, false, [], "$share/g/a", 7, "3"],
    ]);
    expect([first.queued, left("queue"), left("message")]).toEqual([5, 2, 2]);
    first.remove(1, 4);
    first.remove(1, 6);
    first.commit();
    const second = newStore(sql);
    expect(second.state(2, 9)).toMatchObject({ sent: 1, queued: 1, lastNumber: 10 });
    expect(second.read(2, 0, ALL).map(seen)).toEqual([
      [9, 0, false, [], "", 7, "1"],
      [10, 1, false, [], "", 7, "3"],
    ]);
    expect([second.queued, left("queue"), left("message")]).toEqual([3, 0, 0]);
    const third = newStore(sql);
    expect(third.read(1, 0, ALL).map(seen)).toEqual([[5, 2, true, [3, 300], "", 7, "2"]]);
    for (const uid of [1, 2]) third.clear(uid);
    third.commit();
    expect([newStore(sql).queued, left("message_log")]).toEqual([0, 0]);
  });
});

it("a message of an earlier release stays itself though the log begins anew in between", async () => {
  await inShard("oldqueue3x", (sql) => {
    writeOld(sql);
    const first = newStore(sql);
    expect(first.read(1, 0, ALL)).toHaveLength(3);
    first.clear(1);
    first.commit(); // The log is empty, and its next life numbers its rows as this one.
    const second = newStore(sql);
    const packet = Uint8Array.of(...PACKET, 0x39);
    packet[1] = packet.length - 2;
    const other = new Message(readTrustedPublish(packet), 8, 0);
    second.append(other, [{ session: 3, n: 1, qos: 1, retain: false, identifiers: [], share: "" }]);
    second.settle();
    expect(second.read(2, 0, ALL).map(({ message }) => payloadOf(message))).toEqual(["1", "3"]);
  });
});

it("[MQTT-4.4.0-1] a client gets what an earlier release stored for it, before what came since", async () => {
  const here = await TestDeployment.create("oldqueue2x", 1);
  const away = await here.connect("away");
  await away.subscribe("a");
  away.close();
  await away.closed;
  await runInDurableObject(here.sessionShard(0) as never, (_instance, { storage: { sql } }) => {
    const { uid } = sql.exec<{ uid: number }>("SELECT uid FROM session").one();
    const packet = Uint8Array.of(...PACKET, 0x39);
    packet[1] = packet.length - 2;
    sql.exec(
      "INSERT INTO message (id, publisher, expires_at, recipients, packet) VALUES (1, 7, 0, 1, ?)",
      packet.buffer,
    );
    sql.exec("INSERT INTO queue (uid, n, message, qos, retain, identifiers) VALUES (?, 1, 1, 1, 0, '')", uid);
  });
  await here.crash("session");
  expect(await (await here.connect("publisher")).publish("a", "new")).toBe(0);
  const back = await here.connect("away");
  for (const payload of ["9", "new"]) expect(text(await back.message())).toBe(payload);
});

it("tells whoever must end when it cannot be written which messages have come", async () => {
  await inShard("origins1x", (sql) => {
    const told = vi.fn();
    const origins = new Origins(sql, (error) => {
      told();
      throw error;
    });
    sql.exec("CREATE TRIGGER fails BEFORE INSERT ON origin BEGIN SELECT RAISE(ABORT, 'a test'); END");
    origins.add(0, { shard: 1, sequence: 7 });
    expect(() => origins.commit()).toThrow("a test");
    expect(told).toHaveBeenCalledOnce();
    sql.exec("DROP TRIGGER fails");
  });
});
