// The way out for mails: a service that takes POST {to, subject, text}. On one machine it prints and keeps them.

import type { Env } from "../platform/env.ts";

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Hands a mail over. Throws if no mailer is configured or it does not take the mail. */
export async function sendMail(env: Env, mail: Mail): Promise<void> {
  if (env.MAILER === undefined) throw new Error("no mailer: bind a service as MAILER");
  const response = await env.MAILER.fetch(
    new Request("https://mailer/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(mail),
    }),
  );
  if (!response.ok) throw new Error(`the mailer answered ${response.status}`);
}
