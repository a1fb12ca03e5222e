// The control plane's API as a program uses it: sign up, create and delete deployments.

import { z } from "zod";

const signedUpSchema = z.object({ token: z.string() });

const newDeploymentSchema = z.object({
  deployment: z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    endpoints: z.object({ mqtt: z.string(), api: z.string() }),
  }),
  credentials: z.object({ username: z.string(), password: z.string() }),
  apiKey: z.object({ key: z.string(), secret: z.string() }),
});

export type NewDeployment = z.infer<typeof newDeploymentSchema>;

const REQUEST_TIMEOUT_MS = 15_000;

/** Someone with an account of the service at `url`. Every method throws when the service does not answer as it should. */
export class ServiceApi {
  readonly url: string;
  readonly token: string;

  private constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  /** Makes a new account. */
  static async signUp(url: string, email: string, password: string): Promise<ServiceApi> {
    const body = { name: email.split("@", 1)[0] ?? email, email, password };
    const answer = await request(url, "POST", "/api/auth/sign-up/email", null, body);
    return new ServiceApi(url, signedUpSchema.parse(await expected(answer, 200)).token);
  }

  static async signIn(url: string, email: string, password: string): Promise<ServiceApi> {
    const answer = await request(url, "POST", "/api/auth/sign-in/email", null, { email, password });
    return new ServiceApi(url, signedUpSchema.parse(await expected(answer, 200)).token);
  }

  /** Creates a deployment that runs. */
  async createDeployment(name: string): Promise<NewDeployment> {
    return newDeploymentSchema.parse(await expected(await this.call("POST", "/api/deployments", { name }), 201));
  }

  /** Any request with this account's token; whatever the answer is. */
  async call(method: string, path: string, body?: unknown): Promise<Response> {
    return await request(this.url, method, path, this.token, body);
  }
}

/** A request to the deployment's own API with its key. */
export async function callDeployment(
  { deployment, apiKey }: NewDeployment,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  const basic = Buffer.from(`${apiKey.key}:${apiKey.secret}`).toString("base64");
  return await send(deployment.endpoints.api + path, method, `Basic ${basic}`, body);
}

async function request(url: string, method: string, path: string, token: string | null, body?: unknown) {
  return await send(url + path, method, token === null ? null : `Bearer ${token}`, body);
}

async function send(url: string, method: string, authorization: string | null, body: unknown): Promise<Response> {
  return await fetch(url, {
    method,
    headers: {
      ...(authorization === null ? {} : { Authorization: authorization }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function expected(response: Response, status: number): Promise<unknown> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as unknown;
}
