// Neon's two ways in, on a loopback port: a WebSocket that carries Postgres's protocol to the one database behind the
// bridge, and POST /sql. Nobody chooses another database, and browsers are turned away: they always send an Origin,
// and a web page has no business with a database on the reader's machine.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Client } from "@neondatabase/serverless";
import { WebSocketServer, createWebSocketStream, type WebSocket } from "ws";
import { serveSql } from "./sql-over-http.ts";
import { connectUpstream, parseUpstream, type Upstream } from "./upstream.ts";

export interface BridgeServer {
  /** host:port. */
  proxy: string;
  close(): Promise<void>;
}

/** Serves the database at `databaseUrl` on a free loopback port, once it answered a query. Throws an error of one line. */
export async function startBridgeServer(databaseUrl: string): Promise<BridgeServer> {
  const upstream = parseUpstream(databaseUrl);
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    verifyClient: ({ req }: { req: IncomingMessage }) => !fromBrowser(req),
    perMessageDeflate: false,
  });
  sockets.on("connection", (socket) => void carry(socket, upstream));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const proxy = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on("request", (request, response) => void serve(request, response, proxy));
  const close = async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  };
  try {
    await probe(databaseUrl, upstream, proxy);
  } catch (error) {
    await close();
    throw error;
  }
  return { proxy, close };
}

/** A client of the database through the bridge at `proxy`. */
export function clientThrough(proxy: string, databaseUrl: string): Client {
  const client = new Client(databaseUrl);
  client.neonConfig.wsProxy = () => `${proxy}/v2`;
  client.neonConfig.useSecureWebSocket = false;
  client.neonConfig.pipelineConnect = false;
  // Without a listener a lost connection would end the process; whoever queries learns of it anyway.
  client.on("error", () => {});
  return client;
}

async function carry(socket: WebSocket, upstream: Upstream): Promise<void> {
  const frames = createWebSocketStream(socket);
  // Errors are told by the pipeline; before it stands, the stream needs a listener.
  frames.on("error", () => {});
  try {
    const connection = await connectUpstream(upstream);
    await pipeline(frames, connection, frames);
  } catch {
    socket.terminate();
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, proxy: string): Promise<void> {
  if (fromBrowser(request) || request.method !== "POST" || request.url !== "/sql") {
    response.writeHead(404).end();
    return;
  }
  await serveSql(request, response, (databaseUrl) => clientThrough(proxy, databaseUrl));
}

function fromBrowser(request: IncomingMessage): boolean {
  return request.headers.origin !== undefined;
}

/** Fails with one line that says which: no server, or no login. */
async function probe(databaseUrl: string, upstream: Upstream, proxy: string): Promise<void> {
  const place = `${upstream.host}:${upstream.port}`;
  try {
    (await connectUpstream(upstream)).destroy();
  } catch (error) {
    throw new Error(`cannot reach the database at ${place}: ${reason(error)}`, { cause: error });
  }
  const client = clientThrough(proxy, databaseUrl);
  try {
    await client.connect();
    await client.query("SELECT 1");
    await client.end();
  } catch (error) {
    throw new Error(`the database at ${place} refuses: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return reason(error.errors[0]);
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "unknown";
}
