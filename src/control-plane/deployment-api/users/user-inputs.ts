// What the routes of users take and give, in EMQX's names.

import { z } from "@hono/zod-openapi";
import { limits } from "../../../broker/limits.ts";
import type { DeploymentRpc, UserInfo } from "../../../contracts/rpc.ts";
import { deploymentObject } from "../../../contracts/object-names.ts";
import type { ApiContext } from "../context.ts";
import { ApiFailure } from "../http/api-failure.ts";

/** The authenticator that holds a deployment's users. */
const BUILT_IN = "password_based:built_in_database";
const PASSWORD_LENGTH_MAX = 1_024;

export const usersPath = "/authentication/{id}/users";
export const tags = ["Authentication"];

export const authenticatorParams = z.object({ id: z.string().openapi({ example: BUILT_IN }) });
export const userParams = authenticatorParams.extend({ user_id: z.string().min(1) });

/** [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
const username = z
  .string()
  .min(1)
  .max(limits.usernameBytes)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed UTF-8 without U+0000")
  .refine(
    (text) => new TextEncoder().encode(text).length <= limits.usernameBytes,
    `must have at most ${limits.usernameBytes} bytes in UTF-8`,
  )
  .refine((text) => text !== "." && text !== "..", "must not be . or .., which no URL can name");
const password = z.string().min(1).max(PASSWORD_LENGTH_MAX);

export const newUserBody = z.object({ user_id: username, password, is_superuser: z.boolean().default(false) });

export const changedUserBody = z
  .object({ password: password.optional(), is_superuser: z.boolean().optional() })
  .refine(
    (body) => body.password !== undefined || body.is_superuser !== undefined,
    "password or is_superuser is needed",
  );

export const userSchema = z.object({ user_id: z.string(), is_superuser: z.boolean() }).openapi("User");

export function userView({ username: userId, isSuperuser }: UserInfo): z.infer<typeof userSchema> {
  return { user_id: userId, is_superuser: isSuperuser };
}

/** The object that holds the users. Throws 404 for another authenticator. */
export function userDatabase(context: ApiContext, authenticator: string): DeploymentRpc {
  if (authenticator !== BUILT_IN) {
    throw new ApiFailure(404, "NOT_FOUND", `There is no such authenticator; the users' is ${BUILT_IN}.`);
  }
  const { env, deploymentId } = context.env;
  return deploymentObject(env.DEPLOYMENT, deploymentId);
}

export function userNotFound(): ApiFailure {
  return new ApiFailure(404, "NOT_FOUND", "User not found");
}
