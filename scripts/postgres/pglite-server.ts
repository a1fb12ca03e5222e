// The embedded Postgres as a server on a port of this machine, for any Postgres client.

import { randomBytes } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { openPGlite } from "./open-pglite.ts";
import { PGliteConnection } from "./pglite-connection.ts";
import { Turns } from "./turns.ts";

export interface PGliteServer {
  /** Connection string with a password made for this start. */
  databaseUrl: string;
  /** Ends the connections and closes the database cleanly. */
  close(): Promise<void>;
}

/** Opens or makes the database in `dataDir` and serves it on a free loopback port. Throws an error of one line. */
export async function startPGliteServer(dataDir: string): Promise<PGliteServer> {
  const database = await openPGlite(dataDir);
  const { rows } = await database.query<{ server_version: string }>("SHOW server_version");
  const options = {
    database,
    turns: new Turns(),
    password: randomBytes(24).toString("base64url"),
    serverVersion: rows[0]?.server_version ?? "18",
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    new PGliteConnection(socket, options).start();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    databaseUrl: `postgres://postgres:${options.password}@127.0.0.1:${port}/postgres`,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      // Behind the queries that run now and the roll-backs of the connections just ended.
      const end = await options.turns.take();
      await database.close();
      end();
    },
  };
}
