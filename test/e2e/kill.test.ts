// `kill -9` at any moment, twenty times under load: what was acknowledged is there afterwards, in the broker and in the
// control plane, and nothing stands in the way of the next start.

import { randomBytes, randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { ServiceApi, type NewDeployment } from "../../scripts/demo/service-api.ts";
import type { Inbox } from "../../scripts/demo/inbox.ts";
import { connect, persistent, StartedService } from "./service.ts";

const KILLS = 20;
const WINDOW = 20;
const PASSWORD = "a password for tests";

it(`loses nothing acknowledged over ${KILLS} kills under load`, { timeout: 400_000 }, async () => {
  const service = await StartedService.start();
  try {
    const email = `kill-${randomBytes(6).toString("hex")}@example.com`;
    const account = await ServiceApi.signUp(service.url, email, PASSWORD);
    const made = await account.createDeployment("kept");
    const accounts = [email];
    const deployments = [made.deployment.id];
    const acknowledged = new Set<string>();
    const received = new Set<string>();
    const first = await connect(made, persistent("subscriber", 5));
    await first.client.subscribeAsync("load/#", { qos: 1 });
    await first.end();

    for (let round = 0; round < KILLS; round++) {
      const subscriber = await connect(made, persistent("subscriber", 5));
      expect(subscriber.sessionPresent).toBe(true);
      const publisher = await connect(made);
      const stopped = new AbortController();
      const load = Promise.all([
        publish(publisher, round, acknowledged, stopped.signal),
        administer(account, accounts, deployments, stopped.signal),
      ]);
      // At first the load gets going, then death comes at any moment.
      await subscriber.until(() => (subscriber.received.length > 50 ? true : undefined), 30_000);
      await new Promise((resolve) => setTimeout(resolve, randomInt(300)));
      await service.kill();
      stopped.abort();
      for (const { text } of subscriber.received) received.add(text);
      publisher.client.end(true);
      subscriber.client.end(true);
      await load;
      await service.again();
    }

    const last = await connect(made, persistent("subscriber", 5));
    expect(last.sessionPresent).toBe(true);
    const missing = () => [...acknowledged].filter((text) => !received.has(text));
    await last
      .until(() => {
        for (const { text } of last.received) received.add(text);
        return missing().length === 0 ? true : undefined;
      }, 20_000)
      .catch(() => {});
    expect(missing()).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(KILLS * WINDOW);
    await last.end();

    await expectAccounts(service.url, accounts);
    await expectDeployments(await ServiceApi.signIn(service.url, email, PASSWORD), deployments);
  } finally {
    await service.dispose();
  }
});

/** Publishes with a window of unacknowledged messages until stopped; what is acknowledged is noted. */
async function publish(publisher: Inbox, round: number, acknowledged: Set<string>, stopped: AbortSignal) {
  let next = 0;
  const one = async () => {
    while (!stopped.aborted) {
      const text = `${round}/${next++}`;
      try {
        await untilStopped(publisher.client.publishAsync(`load/${round}`, text, { qos: 1 }), stopped);
      } catch {
        return;
      }
      if (!stopped.aborted) acknowledged.add(text);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, one));
}

/** Makes accounts and deployments until stopped; what was answered with success is noted. */
async function administer(owner: ServiceApi, accounts: string[], deployments: string[], stopped: AbortSignal) {
  while (!stopped.aborted) {
    try {
      const email = `kill-${randomBytes(6).toString("hex")}@example.com`;
      await untilStopped(ServiceApi.signUp(owner.url, email, PASSWORD), stopped);
      accounts.push(email);
      const created: NewDeployment = await untilStopped(owner.createDeployment("more"), stopped);
      deployments.push(created.deployment.id);
    } catch {
      return;
    }
  }
}

/** Fails when stopped: what a dead service has not answered, it never will. */
async function untilStopped<T>(promise: Promise<T>, stopped: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    stopped.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
    promise.then(resolve, reject);
  });
}

async function expectAccounts(url: string, accounts: string[]): Promise<void> {
  for (const email of accounts) await ServiceApi.signIn(url, email, PASSWORD);
}

async function expectDeployments(account: ServiceApi, ids: string[]): Promise<void> {
  for (const id of ids) {
    const response = await account.call("GET", `/api/deployments/${id}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ deployment: { id, status: "running" } });
  }
}
