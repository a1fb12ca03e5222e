// A caller of a deployment's API, beside real objects; and the key that it calls with.

import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { serveDeploymentApi } from "../../../src/control-plane/deployment-api/deployment-api.ts";
import type { Env } from "../../../src/platform/env.ts";
import type { WholeDeployment } from "../deployment/deployment-client.ts";
import { API_SECRET } from "../deployment/deployment-client.ts";

export const USERS = "/authentication/password_based:built_in_database/users";

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

interface Call {
  body?: unknown;
  /** Sent as it is, instead of `body` as JSON. */
  text?: string;
  headers?: Record<string, string>;
  /** `key:secret`; null: no header. */
  credentials?: string | null;
  address?: string;
}

/** Calls the API as the router does; `path` behind /api/v5. */
export async function call(
  deployment: WholeDeployment,
  method: string,
  path: string,
  options: Call = {},
): Promise<Answer> {
  const { body, text, credentials = `key:${API_SECRET}`, address = "192.0.2.7" } = options;
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers = new Headers({ "CF-Connecting-IP": address });
  if (sent !== undefined) headers.set("Content-Type", "application/json");
  if (credentials !== null) headers.set("Authorization", `Basic ${btoa(credentials)}`);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  const url = `http://localhost/d/${deployment.id}/api/v5${path}`;
  const request = new Request(url, { method, headers, ...(sent === undefined ? {} : { body: sent }) });
  const context = createExecutionContext();
  const apiPath = new URL(request.url).pathname.slice(`/d/${deployment.id}`.length);
  const response = await serveDeploymentApi(request, env as unknown as Env, context, deployment.id, apiPath);
  const answer = await response.text();
  await waitOnExecutionContext(context);
  return { status: response.status, headers: response.headers, body: answer === "" ? null : JSON.parse(answer) };
}
