// An error as text for the log, without the values of a failed query: tokens and hashes are among them.

import { DrizzleQueryError } from "drizzle-orm/errors";

/** Name, message and stack with those of the causes: a failed query keeps the reason in its cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return (error as { message?: string } | null)?.message ?? String(error);
  const own = error instanceof DrizzleQueryError ? `Failed query: ${error.query}` : (error.stack ?? error.message);
  return error.cause === undefined ? own : `${own}\ncaused by ${describeError(error.cause)}`;
}
