// Neon's HTTP queries: one statement, or several in one transaction, answered as text values with their types' ids.

import type { IncomingMessage, ServerResponse } from "node:http";
import { DatabaseError, type Client } from "@neondatabase/serverless";
import { z } from "zod";

const BODY_BYTES_MAX = 16 * 1024 * 1024;

const statementSchema = z.object({ query: z.string(), params: z.array(z.unknown()).default([]) });
const bodySchema = z.union([z.object({ queries: z.array(statementSchema) }), statementSchema]);
type Statement = z.infer<typeof statementSchema>;

const isolationLevels: Record<string, string> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

/** Answers one POST /sql; `open` makes a client for the connection string that came with it. */
export async function serveSql(
  request: IncomingMessage,
  response: ServerResponse,
  open: (databaseUrl: string) => Client,
): Promise<void> {
  // Set once it is connected: ending one that never was waits for ever.
  let connected: Client | null = null;
  try {
    const body = bodySchema.parse(JSON.parse(await readBody(request)));
    const client = open(header(request, "neon-connection-string"));
    await client.connect();
    connected = client;
    const answer = "queries" in body ? await runAll(client, body.queries, request) : await run(client, body);
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(400, { "Content-Type": "application/json" }).end(JSON.stringify(described(error)));
  } finally {
    await connected?.end();
  }
}

async function runAll(client: Client, statements: Statement[], request: IncomingMessage): Promise<unknown> {
  const isolation = isolationLevels[header(request, "neon-batch-isolation-level")];
  const readOnly = header(request, "neon-batch-read-only") === "true";
  const deferrable = header(request, "neon-batch-deferrable") === "true";
  await client.query(
    `BEGIN${isolation === undefined ? "" : ` ISOLATION LEVEL ${isolation}`}${readOnly ? " READ ONLY" : ""}${deferrable ? " DEFERRABLE" : ""}`,
  );
  const results: unknown[] = [];
  for (const statement of statements) results.push(await run(client, statement));
  await client.query("COMMIT");
  return { results };
}

async function run(client: Client, { query, params }: Statement): Promise<unknown> {
  const result = await client.query({
    text: query,
    values: params,
    rowMode: "array",
    // Values travel as Postgres wrote them: the driver at the other end parses them.
    types: { getTypeParser: () => (text: string) => text },
  });
  const { command, rowCount, rows, fields } = result;
  return { command, rowCount, rows, fields, rowAsArray: true };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error("the query is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}

function described(error: unknown): Record<string, unknown> {
  if (error instanceof DatabaseError) return { ...error, message: error.message };
  return { message: error instanceof Error ? error.message : String(error) };
}
