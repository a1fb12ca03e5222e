// Accounts: e-mail and password, sessions as cookies for browsers and bearer tokens for programs, by better-auth. An
// instance serves one request, because the database's connections do.

import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { isAPIError } from "better-auth/api";
import { betterAuth } from "better-auth/minimal";
import { bearer } from "better-auth/plugins/bearer";
import { log } from "../../platform/log.ts";
import type { RequestContext } from "../context.ts";
import { accountCredentials } from "../db/schema/account-credentials.ts";
import { accountSessions } from "../db/schema/account-sessions.ts";
import { accounts } from "../db/schema/accounts.ts";
import { rateLimits } from "../db/schema/rate-limits.ts";
import { verifications } from "../db/schema/verifications.ts";
import { describeError } from "../http/describe-error.ts";
import { sendMail } from "../mailer.ts";
import { authRateLimits } from "./auth-rate-limits.ts";

/** Who signed in, as far as the rest of the control plane needs it. */
export interface Account {
  id: string;
  email: string;
  plan: "free" | "local";
}

export function createAuth(context: RequestContext) {
  const { env } = context;
  return betterAuth({
    appName: "Fulmar",
    baseURL: env.PUBLIC_URL,
    basePath: "/api/auth",
    secret: env.BETTER_AUTH_SECRET,
    // The host by which the request came is no other site: one machine has several names.
    trustedOrigins: [new URL(context.req.url).origin],
    database: drizzleAdapter(context.var.database, {
      provider: "pg",
      schema: {
        user: accounts,
        session: accountSessions,
        account: accountCredentials,
        verification: verifications,
        rateLimit: rateLimits,
      },
      transaction: true,
    }),
    user: {
      additionalFields: {
        plan: { type: ["free", "local"], required: true, input: false, defaultValue: env.DEFAULT_PLAN },
      },
    },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: 8,
      maxPasswordLength: 128,
      requireEmailVerification: env.EMAIL_VERIFICATION === "required",
    },
    emailVerification: {
      sendOnSignUp: env.MAILER !== undefined,
      sendOnSignIn: env.EMAIL_VERIFICATION === "required",
      autoSignInAfterVerification: true,
      async sendVerificationEmail({ user, url }) {
        await sendMail(env, {
          to: user.email,
          subject: "Confirm your e-mail address",
          text: `Hello ${user.name},\n\nplease confirm your address for Fulmar:\n\n${url}\n\nThe link works for one hour. If you did not sign up, ignore this mail.\n`,
        });
      },
    },
    rateLimit: authRateLimits(env.DEFAULT_PLAN),
    advanced: {
      cookiePrefix: "fulmar",
      // http/same-origin.ts does it, for these routes and ours; where a mail may lead to is still checked here.
      disableCSRFCheck: true,
      // Cloudflare sets this header itself, whatever a client sends.
      ipAddress: { ipAddressHeaders: ["cf-connecting-ip"] },
      backgroundTasks: { handler: context.var.inBackground },
    },
    onAPIError: {
      onError(error) {
        if (isAPIError(error) && error.status !== "INTERNAL_SERVER_ERROR") return;
        log.error("account request failed", { requestId: context.var.requestId, error: describeError(error) });
      },
    },
    telemetry: { enabled: false },
    logger: {
      level: "error",
      log(_level, message, ...details) {
        log.error(`better-auth: ${message}`, {
          requestId: context.var.requestId,
          details: details.map((detail) => (detail instanceof Error ? describeError(detail) : typeof detail)),
        });
      },
    },
    plugins: [bearer()],
  });
}
