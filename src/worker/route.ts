// Which part of the Worker serves a request, told by host and path.

import { controlPlane } from "../control-plane/app.ts";
import { serveDeploymentApi } from "../control-plane/deployment-api/deployment-api.ts";
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
      if (target.path === "/mqtt") return upgradeMqtt(request, env, context, target.id);
      if (target.path === "/api/v5" || target.path.startsWith("/api/v5/")) {
        return serveDeploymentApi(request, env, context, target.id, target.path);
      }
      return notFound();
    default:
      return target satisfies never;
  }
}

function notFound(): Response {
  return new Response("Not found.\n", { status: 404, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
