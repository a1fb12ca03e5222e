// GET and POST /authentication/password_based:built_in_database/users: the deployment's users.

import { createRoute, z } from "@hono/zod-openapi";
import { makePasswordVerifier } from "../../../platform/secrets.ts";
import type { Api } from "../context.ts";
import { ApiFailure, failures } from "../http/api-failure.ts";
import { ask, tryDeployment } from "../http/ask.ts";
import { booleanQuery, metaOf, metaSchema, pageQuery } from "../http/paging.ts";
import {
  authenticatorParams,
  newUserBody,
  tags,
  userDatabase,
  userSchema,
  usersPath,
  userView,
} from "./user-inputs.ts";

const query = pageQuery.extend({
  like_user_id: z.string().optional().openapi({ description: "A part of the user name." }),
  is_superuser: booleanQuery.optional(),
});

const listRoute = createRoute({
  method: "get",
  path: usersPath,
  tags,
  summary: "List users",
  request: { params: authenticatorParams, query },
  responses: {
    200: {
      description: "A page of them, in the order of their names.",
      content: { "application/json": { schema: z.object({ data: z.array(userSchema), meta: metaSchema }) } },
    },
    ...failures(400, 404),
  },
});

const addRoute = createRoute({
  method: "post",
  path: usersPath,
  tags,
  summary: "Add a user",
  request: {
    params: authenticatorParams,
    body: { required: true, content: { "application/json": { schema: newUserBody } } },
  },
  responses: {
    201: { description: "It may connect at once.", content: { "application/json": { schema: userSchema } } },
    ...failures(400, 404, 409, 413, 415),
  },
});

export function addManyUsers(app: Api): void {
  app.openapi(listRoute, async (context) => {
    const { page, limit, like_user_id, is_superuser } = context.req.valid("query");
    const database = userDatabase(context, context.req.valid("param").id);
    const { users, count } = await ask(context, () =>
      database.listUsers({ page, limit }, like_user_id ?? null, is_superuser ?? null),
    );
    return context.json({ data: users.map((user) => userView(user)), meta: metaOf(page, limit, count) }, 200);
  });

  app.openapi(addRoute, async (context) => {
    const { user_id: username, password, is_superuser: isSuperuser } = context.req.valid("json");
    const database = userDatabase(context, context.req.valid("param").id);
    const verifier = await makePasswordVerifier(password);
    const outcome = await tryDeployment(context, () => database.addUser({ username, isSuperuser, verifier }));
    if (outcome.ok) return context.json(userView({ username, isSuperuser }), 201);
    if (outcome.error === "exists") throw new ApiFailure(409, "ALREADY_EXISTS", "User already exists");
    throw new ApiFailure(409, "EXCEED_LIMIT", "The deployment has as many users as it may have.");
  });
}
