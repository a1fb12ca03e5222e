// Judges a CONNECT: who it is, then the session shard. Both judge by what they know; when the shard knows something
// newer, the edge forgets what it has cached and judges again; while the session moves to another shard, it waits.

import { limits } from "../../broker/limits.ts";
import type { ConnectPacket } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { serialOf } from "../../contracts/deployment-config.ts";
import type { Stale } from "../../contracts/link.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { Proven } from "../authenticate/authenticator.ts";
import type { Env } from "../../platform/env.ts";
import { admit, admitProven, forgetDeployment, forgetPrincipal, learnConfig } from "../authenticate/authenticate.ts";
import { attachWill } from "./attach-will.ts";
import { attachOf, clientIdOf } from "./connect.ts";
import type { Judged } from "./handshake.ts";
import type { Opened } from "./open-link.ts";
import { openLink } from "./open-link.ts";

const ATTEMPTS = 3;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 1_000;

/** `proven`: who it is, found out before; null: user name and password of CONNECT say so. Never throws but for a bug. */
export async function judge(
  env: Env,
  deploymentId: DeploymentId,
  peerAddress: string,
  connect: ConnectPacket,
  proven: Proven | null,
): Promise<Judged> {
  const { clientId, assigned } = clientIdOf(connect);
  const { username, password } = connect;
  const waitUntil = Date.now() + limits.movingWaitMs;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const admitted =
      proven === null
        ? await admit(env, { deploymentId, username, password, peerAddress })
        : await admitProven(env, proven);
    if (admitted.outcome === "deny") return refused(admitted.reasonCode, admitted.reasonString);
    if (admitted.outcome === "not_provisioned") return refused(reasonCodes.serverUnavailable, "no such deployment");
    const { config, principal, revision } = admitted;
    const will = await attachWill(env, deploymentId, config, clientId, connect);
    if (will !== null && "reasonCode" in will) return refused(will.reasonCode, will.reasonString);
    const attach = attachOf(connect, clientId, config, { ...principal, revision, peerAddress }, will);
    const opened = await openWhenMoved(() => openLink(env, deploymentId, config, attach), waitUntil);
    switch (opened.outcome) {
      case "attached": {
        const { link, sessionPresent, awaitingRelease } = opened;
        const assignedClientId = assigned ? clientId : null;
        const { username: user } = principal;
        return {
          outcome: "connected",
          link,
          config,
          username: user,
          sessionPresent,
          awaitingRelease,
          assignedClientId,
        };
      }
      case "refused": {
        const { reasonCode, reasonString = "refused" } = opened.refused;
        return refused(reasonCode as ReasonCode, reasonString);
      }
      case "stale":
        if (opened.stale.moving === true) return refused(reasonCodes.serverBusy, "the session moves: connect again");
        // Where its session is, a client may learn several times while many move.
        if (isNewer(opened.stale, config) && Date.now() < waitUntil) attempt = 0;
        forgetPrincipal(deploymentId, principal.username);
        if (opened.stale.config !== undefined) learnConfig(deploymentId, opened.stale.config);
        break;
      case "not_provisioned":
        forgetDeployment(deploymentId);
        break;
      case "unavailable":
        return refused(reasonCodes.serverUnavailable, "the session shard does not answer");
      default:
        opened satisfies never;
    }
  }
  return refused(reasonCodes.serverUnavailable, "the deployment is changing: try again");
}

/** Asks again as long as the session moves. */
async function openWhenMoved(open: () => Promise<Opened>, until: number): Promise<Opened> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    const opened = await open();
    if (opened.outcome !== "stale" || opened.stale.moving !== true || Date.now() >= until) return opened;
    const ms = waitMs / 2 + (Math.random() * waitMs) / 2; // Many wait.
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

function isNewer(stale: Stale, than: DeploymentConfig): boolean {
  return stale.config !== undefined && serialOf(stale.config) > serialOf(than);
}

function refused(reasonCode: ReasonCode, reasonString: string): Judged {
  return { outcome: "refused", reasonCode, reasonString };
}
