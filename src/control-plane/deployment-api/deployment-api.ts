// A deployment's own API, in EMQX 5's paths and shapes, for whoever holds one of its API keys.

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { limits } from "../../broker/limits.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { Env } from "../../platform/env.ts";
import { addListClients } from "./clients/list-clients.ts";
import { addOneClient } from "./clients/one-client.ts";
import type { Api, ApiEnv } from "./context.ts";
import { answerFailure, refuseInvalid } from "./http/answer-failure.ts";
import { ApiFailure } from "./http/api-failure.ts";
import { jsonOnly } from "./http/json-only.ts";
import { addSecurityScheme, openApiDocument } from "./http/openapi-document.ts";
import { requestScope } from "./http/request-scope.ts";
import { requireApiKey } from "./http/require-api-key.ts";
import { addPublish } from "./publish/publish.ts";
import { addGetMetrics } from "./stats/get-metrics.ts";
import { addGetStats } from "./stats/get-stats.ts";
import { addManyUsers } from "./users/many-users.ts";
import { addOneUser } from "./users/one-user.ts";

const PREFIX = "/api/v5";
/** JSON may spell a byte of the payload as six characters. */
const BODY_BYTES_MAX = 6 * limits.packetBytes;
const OTHER_ADDRESS = "127.0.0.1";

/** Answers a request to a deployment whose id's MAC was checked. `path` is the URL's path from `/api/v5` on, as it was
 *  sent: percent-encoded. */
export async function serveDeploymentApi(
  request: Request,
  env: Env,
  context: ExecutionContext,
  deploymentId: DeploymentId,
  path: string,
): Promise<Response> {
  const url = new URL(request.url);
  const baseUrl = `${url.origin}${url.pathname.slice(0, url.pathname.length - path.length)}${PREFIX}`;
  url.pathname = path.slice(PREFIX.length);
  const peerAddress = request.headers.get("CF-Connecting-IP") ?? OTHER_ADDRESS;
  return deploymentApi.fetch(new Request(url, request), { env, deploymentId, baseUrl, peerAddress }, context);
}

const deploymentApi: Api = composed();

function composed(): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: (result) => refuseInvalid(result) });
  app.onError((error, context) => answerFailure(error, context));
  app.notFound((context) => context.json({ code: "NOT_FOUND", message: "There is nothing at this address." }, 404));
  app.use(requestScope);
  app.use(cors({ origin: "*", exposeHeaders: ["X-Request-Id", "Retry-After"], maxAge: 86_400 }));
  // The document tells nothing of the deployment: it needs no key.
  app.get("/openapi.json", (context) => context.json(openApiDocument(app, context.env.baseUrl)));
  addGuards(app);
  addListClients(app);
  addOneClient(app);
  addPublish(app);
  addManyUsers(app);
  addOneUser(app);
  addGetStats(app);
  addGetMetrics(app);
  addSecurityScheme(app);
  return app;
}

function addGuards(app: Api): void {
  app.use(requireApiKey);
  app.use(jsonOnly);
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new ApiFailure(413, "EXCEED_LIMIT", `The body may have ${BODY_BYTES_MAX} bytes.`);
      },
    }),
  );
}
