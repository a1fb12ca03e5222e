// /authentication/password_based:built_in_database/users/{user_id}: one user, its change and its removal, which reach
// the user's live connections.

import { createRoute } from "@hono/zod-openapi";
import { makePasswordVerifier } from "../../../platform/secrets.ts";
import type { Api } from "../context.ts";
import { failures } from "../http/api-failure.ts";
import { ask, tryDeployment } from "../http/ask.ts";
import {
  changedUserBody,
  tags,
  userDatabase,
  userNotFound,
  userParams,
  userSchema,
  usersPath,
  userView,
} from "./user-inputs.ts";

const path = `${usersPath}/{user_id}` as const;

const getRoute = createRoute({
  method: "get",
  path,
  tags,
  summary: "Get a user",
  request: { params: userParams },
  responses: {
    200: { description: "Without its password.", content: { "application/json": { schema: userSchema } } },
    ...failures(404),
  },
});

const changeRoute = createRoute({
  method: "put",
  path,
  tags,
  summary: "Change a user's password or rights",
  request: {
    params: userParams,
    body: { required: true, content: { "application/json": { schema: changedUserBody } } },
  },
  responses: {
    200: {
      description: "It is in force, and the user's connections were ended.",
      content: { "application/json": { schema: userSchema } },
    },
    202: {
      description: "It is stored; some of the user's connections are still being ended.",
      content: { "application/json": { schema: userSchema } },
    },
    ...failures(400, 404, 413, 415),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path,
  tags,
  summary: "Remove a user",
  request: { params: userParams },
  responses: {
    204: { description: "It is gone, and its connections were ended." },
    202: { description: "It is gone; some of its connections are still being ended." },
    ...failures(404),
  },
});

export function addOneUser(app: Api): void {
  app.openapi(getRoute, async (context) => {
    const { id, user_id } = context.req.valid("param");
    const user = await ask(context, () => userDatabase(context, id).findUser(user_id));
    if (user === null) throw userNotFound();
    return context.json(userView(user), 200);
  });

  app.openapi(changeRoute, async (context) => {
    const { id, user_id } = context.req.valid("param");
    const { password, is_superuser } = context.req.valid("json");
    const database = userDatabase(context, id);
    const verifier = password === undefined ? null : await makePasswordVerifier(password);
    const change = { verifier, isSuperuser: is_superuser ?? null };
    const outcome = await tryDeployment(context, () => database.updateUser(user_id, change));
    if (!outcome.ok) throw userNotFound();
    const user = await ask(context, () => database.findUser(user_id));
    if (user === null) throw userNotFound();
    return context.json(userView(user), outcome.value.everywhere ? 200 : 202);
  });

  app.openapi(removeRoute, async (context) => {
    const { id, user_id } = context.req.valid("param");
    const outcome = await tryDeployment(context, () => userDatabase(context, id).removeUser(user_id));
    if (!outcome.ok) throw userNotFound();
    return context.body(null, outcome.value.everywhere ? 204 : 202);
  });
}
