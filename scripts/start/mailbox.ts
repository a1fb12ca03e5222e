// The mailer of one machine: keeps each mail, a line of JSON, in the data folder, and prints it.

import { appendFile } from "node:fs/promises";
import { Response, type Request } from "miniflare";
import { z } from "zod";

const mailSchema = z.object({ to: z.string(), subject: z.string(), text: z.string() });

/** The service behind the MAILER binding: takes POST {to, subject, text}, appends it to the file at `path`, and prints it. */
export function openMailbox(path: string, print: boolean): (request: Request) => Promise<Response> {
  return async (request) => {
    const mail = mailSchema.safeParse(await request.json().catch(() => null));
    if (request.method !== "POST" || !mail.success) return new Response("not a mail", { status: 400 });
    const { to, subject, text } = mail.data;
    await appendFile(path, `${JSON.stringify({ at: new Date().toISOString(), to, subject, text })}\n`, { mode: 0o600 });
    if (print) console.log(`Mail to ${to}: ${subject}\n${text.trim().replace(/^/gm, "  ")}`);
    return new Response(null, { status: 204 });
  };
}
