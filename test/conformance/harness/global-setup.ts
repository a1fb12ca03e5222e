// Which broker the suite talks to: the one that BROKER_URL names, or a service of its own with one deployment.

import type { TestProject } from "vitest/node";
import { newDeployment, StartedService } from "../../e2e/service.ts";

export interface BrokerAccess {
  /** ws:// or wss://, with its path. */
  url: string;
  username: string;
  password: string;
}

declare module "vitest" {
  interface ProvidedContext {
    broker: BrokerAccess;
  }
}

/** Provides `broker`; what it returns ends what it started. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BROKER_URL: url, BROKER_USERNAME: username = "", BROKER_PASSWORD: password = "" } = process.env;
  if (url !== undefined && url !== "") {
    project.provide("broker", { url, username, password });
    return async () => {};
  }
  const service = await StartedService.start();
  try {
    const { deployment, credentials } = await newDeployment(service.url);
    project.provide("broker", { url: deployment.endpoints.mqtt, ...credentials });
  } catch (error) {
    await service.dispose();
    throw error;
  }
  return async () => await service.dispose();
}
