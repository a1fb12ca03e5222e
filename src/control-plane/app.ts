// The control plane: accounts, deployments, health and what describes them. It reaches the data plane through the
// Deployment object alone, and the data plane never needs it.

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { addAuthRoutes } from "./auth/auth-routes.ts";
import { requireAccount } from "./auth/require-account.ts";
import type { App, ControlPlaneEnv } from "./context.ts";
import { addApiKeyRoutes } from "./deployments/api-keys.ts";
import { addChangeDeployment } from "./deployments/change-deployment.ts";
import { addCreateDeployment } from "./deployments/create-deployment.ts";
import { addDeleteDeployment } from "./deployments/delete-deployment.ts";
import { addGetDeployment } from "./deployments/get-deployment.ts";
import { addGetSharding } from "./deployments/get-sharding.ts";
import { addListDeployments } from "./deployments/list-deployments.ts";
import { docsPage } from "./docs/docs-page.ts";
import { addSecuritySchemes, openApiDocument } from "./docs/openapi-document.ts";
import { addHealth } from "./health.ts";
import { answerError, answerNotFound, refuseInvalid } from "./http/answer-error.ts";
import { ApiError } from "./http/api-error.ts";
import { requestScope } from "./http/request-scope.ts";
import { sameOrigin } from "./http/same-origin.ts";
import { landingPage } from "./landing-page.ts";

const BODY_BYTES_MAX = 64 * 1024;
/** Our pages: a style of their own, links, and nothing else. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Serves /, /health and /api/* of the service's own host, over the Worker's bindings. */
export const controlPlane: App = composed();

function composed(): App {
  const app: App = new OpenAPIHono<ControlPlaneEnv>({ defaultHook: (result) => refuseInvalid(result) });
  app.onError((error, context) => answerError(error, context));
  app.notFound((context) => answerNotFound(context));
  addMiddleware(app);
  addAuthRoutes(app);
  addCreateDeployment(app);
  addListDeployments(app);
  addGetDeployment(app);
  addGetSharding(app);
  addChangeDeployment(app);
  addDeleteDeployment(app);
  addApiKeyRoutes(app);
  addHealth(app);
  addSecuritySchemes(app);
  addPages(app);
  return app;
}

function addMiddleware(app: App): void {
  // Any page may call the API with a bearer token; without credentials no browser lets it use our cookies.
  const anyOrigin = cors({ origin: "*", exposeHeaders: ["X-Request-Id", "Retry-After"], maxAge: 86_400 });
  app.use(requestScope);
  app.use("/api/deployments/*", anyOrigin);
  app.use("/api/openapi.json", anyOrigin);
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new ApiError(413, "body_too_large", `The body may have ${BODY_BYTES_MAX} bytes.`);
      },
    }),
  );
  app.use("/api/*", sameOrigin);
  app.use("/api/deployments/*", requireAccount);
}

function addPages(app: App): void {
  app.get("/api/openapi.json", (context) => context.json(openApiDocument(app, context.env.PUBLIC_URL)));
  app.get("/api/docs", (context) => {
    context.header("Content-Security-Policy", PAGE_POLICY);
    return context.html(docsPage(openApiDocument(app, context.env.PUBLIC_URL)));
  });
  app.get("/", (context) => {
    context.header("Content-Security-Policy", PAGE_POLICY);
    return context.html(landingPage.replaceAll("{origin}", new URL(context.env.PUBLIC_URL).origin));
  });
}
