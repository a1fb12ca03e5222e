// Time between isolates, which on one machine is none: every frame between edge and shard or between two shards takes
// `delayMs`, in order, and one that an object sends after it wrote waits for the commit, which takes as long.

import type { Env, ObjectNamespace, ObjectStub } from "../../src/platform/env.ts";
import { count } from "./counters.ts";
import type { Observed } from "./observed.ts";

/** A socket between isolates: whose it is (null: the edge's), and what it has under way. */
interface Way {
  owner: Observed | null;
  lastAt: number;
  waiting: (() => void)[];
}

const ways = new WeakMap<WebSocket, Way>();
let delayMs = 0;

export function betweenIsolates(socket: WebSocket, owner: Observed | null): void {
  if (!ways.has(socket)) ways.set(socket, { owner, lastAt: 0, waiting: [] });
}

/** `env` with stubs whose requests take their time, and whose sockets are known to lead to another isolate. */
export function delayBetweenIsolates<E extends Env>(env: E, delay: number, owner: Observed | null): E {
  delayMs = delay;
  return {
    ...env,
    SESSION_SHARD: namespaceOf(env.SESSION_SHARD, owner),
    TOPIC_SHARD: namespaceOf(env.TOPIC_SHARD, owner),
  };
}

function namespaceOf<Rpc extends object>(
  namespace: ObjectNamespace<Rpc>,
  owner: Observed | null,
): ObjectNamespace<Rpc> {
  return {
    getByName: (name) => stubOf(namespace.getByName(name), owner),
    jurisdiction: (jurisdiction) => namespaceOf(namespace.jurisdiction(jurisdiction), owner),
  };
}

function stubOf<Rpc extends object>(stub: ObjectStub<Rpc>, owner: Observed | null): ObjectStub<Rpc> {
  const fetch = async (request: Request | string, init?: RequestInit) => {
    if (delayMs > 0) await passed(delayMs);
    const response = await stub.fetch(request, init);
    if (delayMs > 0) await passed(delayMs);
    const { webSocket } = response;
    if (webSocket !== null) {
      betweenIsolates(webSocket, owner);
      if (owner !== null) count(`${owner.kind}.streams`);
      if (owner !== null) webSocket.addEventListener("message", () => count(`${owner.kind}.answers`));
    }
    return response;
  };
  return new Proxy(stub, {
    get: (target, name) => {
      if (name === "fetch") return fetch;
      return (...args: unknown[]) => (target as Record<string | symbol, (...a: unknown[]) => unknown>)[name]?.(...args);
    },
  });
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Does `act` once what `socket` sends now has arrived, behind all that it sent before. */
function later(way: Way, act: () => void): void {
  const now = Date.now();
  const committedAt = (way.owner?.wroteAt ?? 0) + delayMs;
  const at = Math.max(way.lastAt, Math.max(now, committedAt) + delayMs);
  way.lastAt = at;
  way.waiting.push(act);
  setTimeout(() => way.waiting.shift()?.(), at - now);
}

const { send, close } = WebSocket.prototype;

WebSocket.prototype.send = function delayedSend(this: WebSocket, data: string | ArrayBuffer | ArrayBufferView): void {
  const way = ways.get(this);
  if (way === undefined || delayMs === 0) {
    send.call(this, data);
    return;
  }
  const copy = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data;
  later(way, () => {
    try {
      send.call(this, copy);
    } catch {
      // It closed meanwhile.
    }
  });
};

WebSocket.prototype.close = function delayedClose(this: WebSocket, code?: number, reason?: string): void {
  const way = ways.get(this);
  if (way === undefined || delayMs === 0) close.call(this, code, reason);
  else later(way, () => close.call(this, code, reason));
};
