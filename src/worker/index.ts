// The Worker's entry: composes the edge, the control plane and the objects, and does nothing itself.

export { Deployment } from "../durable-objects/deployment/deployment.ts";
export { SessionShard } from "../durable-objects/session-shard/session-shard.ts";
export { TopicShard } from "../durable-objects/topic-shard/topic-shard.ts";

import type { Env } from "../platform/env.ts";
import { route } from "./route.ts";

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    return route(request, env, context);
  },
};
