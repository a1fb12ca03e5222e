// The API's OpenAPI 3.1 document, made from the routes themselves.

import type { App } from "../context.ts";

/** Adds the ways to sign in to the document. */
export function addSecuritySchemes(app: App): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "The `token` of signing up or in.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "cookie", {
    type: "apiKey",
    in: "cookie",
    name: "fulmar.session_token",
    description: "Set by signing in with a browser; over HTTPS its name begins with __Secure-.",
  });
}

/** The document, with `origin` as its server. */
export function openApiDocument(app: App, origin: string) {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Fulmar",
      version: "1",
      description:
        "Accounts and deployments. Each deployment has an API of its own for its clients, users and messages; its address is the deployment's `endpoints.api`.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: origin }],
    tags: [
      { name: "Accounts", description: "Sign up, sign in, sign out." },
      { name: "Deployments", description: "Isolated brokers with an endpoint of their own." },
      { name: "API keys", description: "Keys for a deployment's own API." },
      { name: "Service", description: "The service itself." },
    ],
  });
}
