// Which broker the suite talks to: the one that BROKER_URL names, or a service of its own with one deployment, of so
// many shards of each kind as the project says.

import type { TestProject } from "vitest/node";
import type { NewDeployment } from "../../../scripts/demo/service-api.ts";
import { callDeployment } from "../../../scripts/demo/service-api.ts";
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

/** A user whose password somebody chose: a generated secret has no SCRAM verifier. */
const CHOSEN = { username: "conformance", password: "a password that somebody chose" };

/** Provides `broker`; what it returns ends what it started. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BROKER_URL: url, BROKER_USERNAME: username = "", BROKER_PASSWORD: password = "" } = process.env;
  if (url !== undefined && url !== "") {
    project.provide("broker", { url, username, password });
    return async () => {};
  }
  const { CONFORMANCE_SHARDS: shards = "1" } = project.config.env;
  const service = await StartedService.start(["--shards", shards]);
  try {
    const made = await newDeployment(service.url);
    await addUser(made, CHOSEN);
    project.provide("broker", { url: made.deployment.endpoints.mqtt, ...CHOSEN });
  } catch (error) {
    await service.dispose();
    throw error;
  }
  return async () => await service.dispose();
}

async function addUser(made: NewDeployment, { username, password }: typeof CHOSEN): Promise<void> {
  const path = "/authentication/password_based:built_in_database/users";
  const answer = await callDeployment(made, "POST", path, { user_id: username, password });
  if (answer.status !== 201) throw new Error(`the user was not added: ${answer.status} ${await answer.text()}`);
}
