// Someone who uses the control plane: its real routes, inside workerd, against a real database.

import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { controlPlane } from "../../../src/control-plane/app.ts";
import type { Env } from "../../../src/platform/env.ts";

export const bindings = env as unknown as Env;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined when it is none. */
  json: any; // oxlint-disable-line typescript/no-explicit-any -- tests look into it at will
}

let visitors = 0;
const run = crypto.randomUUID().slice(0, 8);

export class Visitor {
  /** Sent as a bearer token when set. */
  token: string | null = null;
  /** Addresses differ between visitors, so that nobody uses up another's attempts. */
  address = randomAddress();
  readonly email = `visitor-${++visitors}-${run}@example.com`;
  readonly password = "correct horse battery staple";
  readonly env: Env;

  constructor(change: Partial<Env> = {}) {
    this.env = { ...bindings, ...change };
  }

  /** Someone who has just signed up. */
  static async signedUp(change: Partial<Env> = {}): Promise<Visitor> {
    const visitor = new Visitor(change);
    const { status, json } = await visitor.signUp();
    if (status !== 200) throw new Error(`sign-up answered ${status}`);
    visitor.token = json.token;
    return visitor;
  }

  signUp(change: object = {}): Promise<Answer> {
    const { email, password } = this;
    return this.call("POST", "/api/auth/sign-up/email", { name: "Ada", email, password, ...change });
  }

  signIn(change: object = {}): Promise<Answer> {
    const { email, password } = this;
    return this.call("POST", "/api/auth/sign-in/email", { email, password, ...change });
  }

  /** Sends a request; a body that is no string goes as JSON. Waits for what goes on behind the answer, too. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const request = new Request(`http://localhost:8787${path}`, {
      method,
      redirect: "manual",
      headers: {
        "CF-Connecting-IP": this.address,
        ...(this.token === null ? {} : { Authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const context = createExecutionContext();
    const response = await controlPlane.fetch(request, this.env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  /** Creates a deployment and answers with the whole body. */
  async createDeployment(name = "greenhouse"): Promise<Answer> {
    return await this.call("POST", "/api/deployments", { name });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function randomAddress(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
  return `10.${a}.${b}.${c}`;
}
