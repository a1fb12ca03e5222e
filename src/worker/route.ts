// Which part of the Worker serves a request, told by host and path.

import type { Env } from "../platform/env.ts";

/** Serves one request of any kind. */
export async function route(_request: Request, _env: Env, _context: ExecutionContext): Promise<Response> {
  return new Response("Not found", { status: 404 });
}
