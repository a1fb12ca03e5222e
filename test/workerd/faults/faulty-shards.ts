// The real shards, with faults between them and in what they commit. Each reaches the others through a namespace whose
// streams are faulty; what an event with a frame of a stream wrote is lost now and then, as when the platform cannot
// commit it: it ends the object, and lets nothing out that was sent behind the write.

import type { NumberedMove, SlotPage } from "../../../src/contracts/rpc.ts";
import { Deployment } from "../../../src/durable-objects/deployment/deployment.ts";
import { SessionShard } from "../../../src/durable-objects/session-shard/session-shard.ts";
import { TopicShard } from "../../../src/durable-objects/topic-shard/topic-shard.ts";
import { STREAM_URL } from "../../../src/contracts/stream.ts";
import type { Env, ObjectNamespace } from "../../../src/platform/env.ts";
import { planOf } from "./fault-plan.ts";
import { FaultySocket } from "./faulty-socket.ts";

/** The bindings of the faulty shards, beside those of the real ones. */
export interface FaultyEnv extends Env {
  FAULTY_SESSION_SHARD: Env["SESSION_SHARD"];
  FAULTY_TOPIC_SHARD: Env["TOPIC_SHARD"];
  FAULTY_DEPLOYMENT: Env["DEPLOYMENT"];
}

export class FaultySessionShard extends SessionShard {
  constructor(context: DurableObjectState, env: FaultyEnv) {
    super(context, withFaults(env));
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    super.webSocketMessage(socket, data);
    mayFailToCommit(this.ctx);
  }

  override async exportSlots(move: NumberedMove, from: string): Promise<SlotPage> {
    return faultyStep(this.ctx, super.exportSlots(move, from));
  }

  override async importSlots(move: NumberedMove, index: number, page: Uint8Array): Promise<void> {
    return faultyStep(this.ctx, super.importSlots(move, index, page));
  }

  override async adoptSlots(move: NumberedMove, pages: number): Promise<boolean> {
    return faultyStep(this.ctx, super.adoptSlots(move, pages));
  }

  override async releaseSlots(move: NumberedMove): Promise<string | null> {
    return faultyStep(this.ctx, super.releaseSlots(move));
  }
}

export class FaultyTopicShard extends TopicShard {
  constructor(context: DurableObjectState, env: FaultyEnv) {
    super(context, withFaults(env));
  }

  override webSocketMessage(socket: WebSocket, data: ArrayBuffer | string): void {
    super.webSocketMessage(socket, data);
    mayFailToCommit(this.ctx);
  }

  override async exportSlots(move: NumberedMove, from: string): Promise<SlotPage> {
    return faultyStep(this.ctx, super.exportSlots(move, from));
  }

  override async importSlots(move: NumberedMove, index: number, page: Uint8Array): Promise<void> {
    return faultyStep(this.ctx, super.importSlots(move, index, page));
  }

  override async adoptSlots(move: NumberedMove, pages: number): Promise<boolean> {
    return faultyStep(this.ctx, super.adoptSlots(move, pages));
  }

  override async releaseSlots(move: NumberedMove, from: string): Promise<string | null> {
    return faultyStep(this.ctx, super.releaseSlots(move, from));
  }
}

/** The Deployment object of faulty shards. */
export class FaultyDeploymentObject extends Deployment {
  /** By name, so that a test can have one die in the middle of what it does. */
  static readonly contexts = new Map<string, DurableObjectState>();

  constructor(context: DurableObjectState, env: FaultyEnv) {
    FaultyDeploymentObject.contexts.set(context.id.name ?? "", context);
    super(context, { ...env, SESSION_SHARD: env.FAULTY_SESSION_SHARD, TOPIC_SHARD: env.FAULTY_TOPIC_SHARD });
  }
}

function mayFailToCommit(context: DurableObjectState): void {
  if (planOf(context.id.name ?? "")?.ofCommit() === true) context.abort("what it wrote could not be committed");
}

/** A step of a move of slots: the object may die of it, or its answer be lost. */
async function faultyStep<T>(context: DurableObjectState, step: Promise<T>): Promise<T> {
  const answer = await step;
  const fault = planOf(context.id.name ?? "")?.ofStep() ?? null;
  if (fault === "dies") context.abort("it dies of a step");
  if (fault === "lost") throw new Error("the answer is lost");
  return answer;
}

function withFaults(env: FaultyEnv): Env {
  return {
    ...env,
    SESSION_SHARD: faulty(env.FAULTY_SESSION_SHARD),
    TOPIC_SHARD: faulty(env.FAULTY_TOPIC_SHARD),
    DEPLOYMENT: env.FAULTY_DEPLOYMENT,
  };
}

/** A namespace whose objects are reached through faulty streams. */
function faulty<Rpc>(namespace: ObjectNamespace<Rpc>): ObjectNamespace<Rpc> {
  return {
    jurisdiction: (jurisdiction) => faulty(namespace.jurisdiction(jurisdiction)),
    getByName: (name) => {
      const stub = namespace.getByName(name);
      const fetch = async (request: Request | string, init?: RequestInit): Promise<Response> => {
        const response = await stub.fetch(request, init);
        const plan = planOf(name);
        const { webSocket } = response;
        if (plan === null || webSocket === null || typeof request === "string" || request.url !== STREAM_URL) {
          return response;
        }
        return { webSocket: new FaultySocket(webSocket, plan) } as unknown as Response;
      };
      return new Proxy(stub, {
        get: (target, key) => (key === "fetch" ? fetch : Reflect.get(target, key)),
      });
    },
  };
}
