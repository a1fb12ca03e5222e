// The step from a deployment's row to the data plane, when the data plane does not answer at first: what is half made
// never shows as running, and the next read completes it.

import { describe, expect, it } from "vitest";
import type { DeploymentRpc } from "../../../src/contracts/rpc.ts";
import type { Env, ObjectNamespace } from "../../../src/platform/env.ts";
import { bindings, Visitor } from "./visitor.ts";

type Failing = "configure" | "destroy" | null;

/** The real objects behind a wire that can be cut for one kind of call, before it arrives or before its answer does. */
class Wire {
  cut: Failing = null;
  when: "before" | "after" = "before";
  readonly DEPLOYMENT: Env["DEPLOYMENT"];

  constructor() {
    const real = bindings.DEPLOYMENT;
    const namespace: ObjectNamespace<DeploymentRpc> = {
      getByName: (name) => {
        const stub = real.getByName(name);
        return new Proxy(stub, {
          get: (_target, method) => {
            const call = method as keyof DeploymentRpc;
            return (...values: unknown[]) =>
              this.#call(call, () => (stub[call] as (...args: unknown[]) => unknown)(...values));
          },
        });
      },
      jurisdiction: (jurisdiction) => real.jurisdiction(jurisdiction),
    };
    this.DEPLOYMENT = namespace;
  }

  async #call(method: keyof DeploymentRpc, make: () => unknown): Promise<unknown> {
    if (this.cut === method && this.when === "before") throw new Error("the wire is cut");
    const answer = await make();
    if (this.cut === method) throw new Error("the wire was cut");
    return answer;
  }
}

for (const when of ["before", "after"] as const) {
  describe(`a wire cut ${when} the data plane acted`, () => {
    async function visitorOver(wire: Wire): Promise<Visitor> {
      wire.when = when;
      return await Visitor.signedUp({ DEPLOYMENT: wire.DEPLOYMENT });
    }

    it("at creation: `provisioning` with its secrets, and the next read completes it", async () => {
      const wire = new Wire();
      const visitor = await visitorOver(wire);
      wire.cut = "configure";
      const created = await visitor.createDeployment();
      const { deployment, credentials, apiKey } = created.json;
      expect([created.status, deployment.status]).toEqual([202, "provisioning"]);
      const path = `/api/deployments/${deployment.id}`;
      expect((await visitor.call("GET", path)).json.deployment.status).toBe("provisioning");
      expect((await visitor.call("GET", `${path}/api-keys`)).json.error.code).toBe("not_ready");
      wire.cut = null;
      expect((await visitor.call("GET", path)).json.deployment.status).toBe("running");
      const object = bindings.DEPLOYMENT.getByName(deployment.id);
      expect(await object.admit(credentials.username)).toMatchObject({
        ok: true,
        value: { lookup: { principal: { username: credentials.username } } },
      });
      expect(await object.findApiKey(apiKey.key)).toMatchObject({ ok: true, value: { key: apiKey.key } });
    });

    it("at creation: a listing completes it too", async () => {
      const wire = new Wire();
      const visitor = await visitorOver(wire);
      wire.cut = "configure";
      await visitor.createDeployment();
      wire.cut = null;
      const { deployments } = (await visitor.call("GET", "/api/deployments")).json;
      expect(deployments.map(({ status }: { status: string }) => status)).toEqual(["running"]);
    });

    it("at a stop: 202 until it is in force, then `stopped`", async () => {
      const wire = new Wire();
      const visitor = await visitorOver(wire);
      const path = `/api/deployments/${(await visitor.createDeployment()).json.deployment.id}`;
      wire.cut = "configure";
      const changed = await visitor.call("PATCH", path, { status: "stopped" });
      expect([changed.status, changed.json.deployment.status]).toEqual([202, "provisioning"]);
      wire.cut = null;
      expect((await visitor.call("GET", path)).json.deployment.status).toBe("stopped");
    });

    it("at deletion: `deleting` and closed to changes until it is done, then absent", async () => {
      const wire = new Wire();
      const visitor = await visitorOver(wire);
      const path = `/api/deployments/${(await visitor.createDeployment()).json.deployment.id}`;
      wire.cut = "destroy";
      const deleted = await visitor.call("DELETE", path);
      expect([deleted.status, deleted.json.deployment.status]).toEqual([202, "deleting"]);
      expect((await visitor.call("GET", path)).json.deployment.status).toBe("deleting");
      expect((await visitor.call("PATCH", path, { status: "running" })).status).toBe(409);
      expect((await visitor.call("POST", `${path}/api-keys`, { name: "k" })).status).toBe(409);
      wire.cut = null;
      expect((await visitor.call("DELETE", path)).status).toBe(204);
      expect((await visitor.call("GET", path)).status).toBe(404);
    });

    it("at deletion of what was never published: nothing is left to come alive", async () => {
      const wire = new Wire();
      const visitor = await visitorOver(wire);
      wire.cut = "configure";
      const { id } = (await visitor.createDeployment()).json.deployment;
      wire.cut = null;
      expect((await visitor.call("DELETE", `/api/deployments/${id}`)).status).toBe(204);
      expect(await bindings.DEPLOYMENT.getByName(id).admit(null)).toEqual({ ok: false, error: "not_provisioned" });
    });
  });
}
