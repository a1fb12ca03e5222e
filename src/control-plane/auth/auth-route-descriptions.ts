// Which of better-auth's routes are open, and what goes in and out of each, for the OpenAPI document.

import { z } from "@hono/zod-openapi";

export interface AuthRouteDescription {
  method: "get" | "post";
  /** Behind /api/auth. */
  path: string;
  summary: string;
  signedIn: boolean;
  body: z.ZodObject | null;
  query: z.ZodObject | null;
  /** Null: nothing worth a schema. */
  answer: z.ZodType | null;
  failures: (400 | 401 | 403 | 422 | 503)[];
}

const email = z.email().openapi({ example: "ada@example.com" });
const password = z.string().min(8).max(128).openapi({ example: "correct horse battery staple" });
const token = z.string().openapi({ description: "Send it as `Authorization: Bearer ...`." });

const accountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    emailVerified: z.boolean(),
    image: z.string().nullish(),
    plan: z.enum(["free", "local"]),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi("Account");

const sessionSchema = z
  .object({
    id: z.string(),
    token: z.string(),
    expiresAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    ipAddress: z.string().nullish(),
    userAgent: z.string().nullish(),
    userId: z.string(),
  })
  .openapi("Session");

const done = z.object({ success: z.boolean() });
const status = z.object({ status: z.boolean() });

export const authRouteDescriptions: readonly AuthRouteDescription[] = [
  {
    method: "post",
    path: "/sign-up/email",
    summary: "Sign up with e-mail and password",
    signedIn: false,
    body: z.object({ name: z.string(), email, password, callbackURL: z.string().optional() }),
    query: null,
    // The token is null where the address must be verified first.
    answer: z.object({ token: token.nullable(), user: accountSchema }),
    failures: [400, 403, 422, 503],
  },
  {
    method: "post",
    path: "/sign-in/email",
    summary: "Sign in",
    signedIn: false,
    body: z.object({ email, password, rememberMe: z.boolean().optional(), callbackURL: z.string().optional() }),
    query: null,
    answer: z.object({ token, user: accountSchema, redirect: z.boolean(), url: z.string().nullish() }),
    failures: [400, 401, 403, 503],
  },
  {
    method: "post",
    path: "/sign-out",
    summary: "Sign out: the session of this request ends",
    signedIn: true,
    body: null,
    query: null,
    answer: done,
    failures: [400, 403],
  },
  {
    method: "get",
    path: "/get-session",
    summary: "Who is signed in; null for nobody",
    signedIn: true,
    body: null,
    query: null,
    answer: z.object({ session: sessionSchema, user: accountSchema }).nullable(),
    failures: [],
  },
  {
    method: "get",
    path: "/list-sessions",
    summary: "Where the account is signed in",
    signedIn: true,
    body: null,
    query: null,
    answer: z.array(sessionSchema),
    failures: [401],
  },
  {
    method: "post",
    path: "/revoke-session",
    summary: "End one session",
    signedIn: true,
    body: z.object({ token: z.string() }),
    query: null,
    answer: status,
    failures: [400, 401, 403],
  },
  {
    method: "post",
    path: "/revoke-other-sessions",
    summary: "End all sessions but this",
    signedIn: true,
    body: null,
    query: null,
    answer: status,
    failures: [401, 403],
  },
  {
    method: "post",
    path: "/update-user",
    summary: "Change the account's name",
    signedIn: true,
    body: z.object({ name: z.string().optional() }),
    query: null,
    answer: status,
    failures: [400, 401, 403],
  },
  {
    method: "post",
    path: "/change-password",
    summary: "Change the password",
    signedIn: true,
    body: z.object({
      currentPassword: z.string(),
      newPassword: password,
      revokeOtherSessions: z.boolean().optional(),
    }),
    query: null,
    answer: z.object({ token: token.nullable(), user: accountSchema }),
    failures: [400, 401, 403],
  },
  {
    method: "post",
    path: "/send-verification-email",
    summary: "Send the mail that confirms an address once more",
    signedIn: false,
    body: z.object({ email, callbackURL: z.string().optional() }),
    query: null,
    answer: status,
    failures: [400, 403, 503],
  },
  {
    method: "get",
    path: "/verify-email",
    summary: "Confirm an address by the token of the mail",
    signedIn: false,
    body: null,
    query: z.object({ token: z.string(), callbackURL: z.string().optional() }),
    answer: status,
    failures: [400, 401, 403],
  },
];
