// Which part of the Worker serves a request, told by host and path.

import { controlPlane } from "../control-plane/app.ts";
import type { Env } from "../platform/env.ts";
import { targetOf } from "./deployment-host.ts";
import { upgradeMqtt } from "./mqtt-upgrade.ts";

/** Serves one request of any kind. */
export async function route(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
  const url = new URL(request.url);
  const target = await targetOf(url, env.BASE_DOMAIN, env.DEPLOYMENT_ID_KEY);
  switch (target.type) {
    case "service":
      return controlPlane.fetch(request, env, context);
    case "none":
      return notFound();
    case "deployment":
      return target.path === "/mqtt" ? upgradeMqtt(request, env, target.id) : notFound();
    default:
      return target satisfies never;
  }
}

function notFound(): Response {
  return new Response("Not found.\n", { status: 404, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
