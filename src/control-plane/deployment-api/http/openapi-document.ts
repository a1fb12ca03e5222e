// The OpenAPI 3.1 document of a deployment's API, made from the routes themselves.

import type { Api } from "../context.ts";

export function addSecurityScheme(app: Api): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "basic", {
    type: "http",
    scheme: "basic",
    description: "An API key of the deployment and its secret.",
  });
}

/** The document, with `baseUrl` as its server. */
export function openApiDocument(app: Api, baseUrl: string) {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Fulmar deployment",
      version: "5",
      description: "Clients, users and messages of one deployment, in the paths and shapes of EMQX 5's API.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: baseUrl }],
    security: [{ basic: [] }],
    tags: [
      { name: "Clients", description: "Who is connected, and the sessions of who is not." },
      { name: "Publish", description: "Messages over HTTP." },
      { name: "Authentication", description: "Users: what devices sign in with." },
      { name: "Stats", description: "Counts." },
    ],
  });
}
