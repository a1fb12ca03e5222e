// Which broker the suite talks to: the one that BROKER_URL names, or a service of its own, with shards of each kind and
// evictions as the project says.

import type { TestProject } from "vitest/node";
import type { ServiceApi } from "../../../scripts/demo/service-api.ts";
import { signUp, StartedService } from "../../e2e/service.ts";
import { evict, type Evictions } from "./evict.ts";
import { startEvictingService } from "./evicting-service.ts";

export interface BrokerAccess {
  /** ws:// or wss://, with its path. */
  url: string;
  username: string;
  password: string;
  /** Where its objects lose their memory between the packets of a test; null: they keep it. */
  evictions: Evictions | null;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Each test talks to one of them. */
    brokers: BrokerAccess[];
  }
}

/** More than the tests that run at a time: an object is evicted when it is idle, which others would delay. */
const EVICTED_DEPLOYMENTS = 48;

/** Provides `brokers`; what it returns ends what it started. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BROKER_URL: url, BROKER_USERNAME: username = "", BROKER_PASSWORD: password = "" } = process.env;
  if (url !== undefined && url !== "") {
    project.provide("brokers", [{ url, username, password, evictions: null }]);
    return async () => {};
  }
  const { CONFORMANCE_SHARDS = "1", CONFORMANCE_EVICTIONS } = project.config.env;
  const shards = Number(CONFORMANCE_SHARDS);
  const service =
    CONFORMANCE_EVICTIONS === "1"
      ? await startEvictingService(shards)
      : { evictUrl: null, ...(await started(["--shards", CONFORMANCE_SHARDS])) };
  try {
    const account = await signUp(service.url);
    const brokers = [await newBroker(account, service.evictUrl, shards)];
    while (service.evictUrl !== null && brokers.length < EVICTED_DEPLOYMENTS) {
      brokers.push(await newBroker(account, service.evictUrl, shards));
    }
    for (const broker of brokers) await mustEvict(broker);
    project.provide("brokers", brokers);
  } catch (error) {
    await service.dispose();
    throw error;
  }
  return async () => await service.dispose();
}

async function started(args: string[]) {
  const service = await StartedService.start(args);
  return { url: service.url, dispose: async () => await service.dispose() };
}

async function newBroker(account: ServiceApi, evictUrl: string | null, shards: number): Promise<BrokerAccess> {
  const made = await account.createDeployment("conformance");
  const { id, endpoints } = made.deployment;
  return {
    url: endpoints.mqtt,
    ...made.credentials,
    evictions: evictUrl === null ? null : { url: evictUrl, deploymentId: id, shards },
  };
}

/** What had no effect would show nothing: objects that were just used have a memory to lose. */
async function mustEvict({ evictions }: BrokerAccess): Promise<void> {
  if (evictions !== null && (await evict(evictions)) === 0) throw new Error("no object was evicted");
}
