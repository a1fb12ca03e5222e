// The Worker just as it is, in a build that counts what its objects do and, if asked, lets time pass between isolates and
// for each commit. GET /bench/counts tells the counts: this build is for benchmarks on one machine alone.

import { Deployment } from "../../src/durable-objects/deployment/deployment.ts";
import { SessionShard } from "../../src/durable-objects/session-shard/session-shard.ts";
import { TopicShard } from "../../src/durable-objects/topic-shard/topic-shard.ts";
import type { Env } from "../../src/platform/env.ts";
import { route } from "../../src/worker/route.ts";
import { count, counts, countTimers } from "./counters.ts";
import { delayBetweenIsolates } from "./distance.ts";
import { observe, type Observed } from "./observed.ts";

countTimers();

interface BenchEnv extends Env {
  /** Milliseconds for each frame between isolates, and for each commit. */
  BENCH_DELAY_MS?: string;
}

class BenchDeployment extends Deployment {
  constructor(context: DurableObjectState, env: Env) {
    observe(context, "deployment");
    super(context, env);
  }
}

class BenchSessionShard extends SessionShard {
  readonly #observed: Observed;

  constructor(context: DurableObjectState, env: BenchEnv) {
    const observed = observe(context, "session");
    super(context, delayBetweenIsolates(env, delayOf(env), observed));
    this.#observed = observed;
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    this.#observed.frame(socket);
    super.webSocketMessage(socket, data);
  }

  override async alarm(): Promise<void> {
    count("session.alarms");
    await super.alarm();
  }
}

class BenchTopicShard extends TopicShard {
  readonly #observed: Observed;

  constructor(context: DurableObjectState, env: BenchEnv) {
    const observed = observe(context, "topic");
    super(context, delayBetweenIsolates(env, delayOf(env), observed));
    this.#observed = observed;
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    this.#observed.frame(socket);
    super.webSocketMessage(socket, data);
  }

  override async alarm(): Promise<void> {
    count("topic.alarms");
    await super.alarm();
  }
}

function delayOf(env: BenchEnv): number {
  return Number(env.BENCH_DELAY_MS ?? 0);
}

export { BenchDeployment as Deployment, BenchSessionShard as SessionShard, BenchTopicShard as TopicShard };

export default {
  async fetch(request: Request, env: BenchEnv, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/bench/counts") return Response.json(counts());
    return route(request, delayBetweenIsolates(env, delayOf(env), null), context);
  },
};
