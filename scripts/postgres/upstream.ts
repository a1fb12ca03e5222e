// The way from the bridge to Postgres itself: TCP, and TLS where the connection string's sslmode asks for it.

import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const CONNECT_TIMEOUT_MS = 10_000;

export interface Upstream {
  host: string;
  port: number;
  tls: "off" | "on" | "verified";
}

/** Host, port and TLS of a connection string. Throws an error of one line if it is none. */
export function parseUpstream(databaseUrl: string): Upstream {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "") {
    throw new Error("the database URL must look like postgres://user:password@host:5432/name");
  }
  const mode = url.searchParams.get("sslmode");
  const verified = mode === "verify-ca" || mode === "verify-full";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 5_432),
    tls: verified ? "verified" : mode === "require" ? "on" : "off",
  };
}

/** A socket to Postgres, ready for its protocol. Throws if it cannot be had within 10 s. */
export async function connectUpstream(upstream: Upstream): Promise<Socket> {
  const socket = connectTcp(upstream.port, upstream.host);
  socket.setNoDelay(true);
  await once(socket, "connect");
  if (upstream.tls === "off") return socket;
  socket.write(SSL_REQUEST);
  const answer = await once<Buffer>(socket, "data");
  if (answer.toString("latin1") !== "S") {
    socket.destroy();
    throw new Error("the server offers no TLS");
  }
  const secure = connectTls({
    socket,
    servername: upstream.host,
    // sslmode=require asks for encryption alone, as in libpq.
    rejectUnauthorized: upstream.tls === "verified",
  });
  await once(secure, "secureConnect");
  return secure;
}

function once<T>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error("no answer within 10 s")), CONNECT_TIMEOUT_MS);
    const onEvent = (value: T) => settle(null, value);
    const onError = (error: Error) => settle(error);
    const onClose = () => settle(new Error("the connection was closed"));
    function settle(error: Error | null, value?: T) {
      clearTimeout(timer);
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      if (error === null) return resolve(value as T);
      socket.destroy();
      return reject(error);
    }
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}
