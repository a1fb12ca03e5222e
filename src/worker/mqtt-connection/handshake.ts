// From a device's first packet to CONNACK: demands CONNECT, has it judged, keeps meanwhile what comes behind it, and
// hands over or refuses. What it throws is the device's fault, and comes back to it as `refuse`.

import { limits } from "../../broker/limits.ts";
import { readPacket } from "../../broker/mqtt/control-packets.ts";
import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { ConnectPacket } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Proven } from "../authenticate/authenticator.ts";
import type { ScramExchange } from "../authenticate/scram-exchange.ts";
import type { Refusal } from "./connect.ts";
import { answerVersionOf, connackOf, refuseConnect } from "./connect.ts";
import type { DeviceSocket } from "./device-socket.ts";
import type { EdgeLink } from "./edge-link.ts";
import { isolateIsFull } from "./isolate-load.ts";

export interface Accepted {
  outcome: "connected";
  link: EdgeLink;
  config: DeploymentConfig;
  /** Who it was found to be. */
  username: string;
  sessionPresent: boolean;
  /** Packet ids of QoS 2 that the client has not released. */
  awaitingRelease: readonly number[];
  /** Null: the client named itself. */
  assignedClientId: string | null;
}

export type Judged = Accepted | { outcome: "refused"; reasonCode: ReasonCode; reasonString: string };

export interface HandshakeOwner {
  /** Finds out who it is and opens its link. Rejects for a bug alone. */
  judge(connect: ConnectPacket, proven: Proven | null): Promise<Judged>;
  /** For a client that names an authentication method; `username` null: the exchange alone says who it is. */
  beginExchange(username: string | null): ScramExchange;
  /** The runtime ends a connection's invocation when its device has gone: not before this has settled. */
  hold(work: Promise<unknown>): void;
  /** CONNACK has said yes; `early` came meanwhile and is to be handled now. */
  accepted(connect: ConnectPacket, accepted: Accepted, early: readonly Uint8Array[]): void;
  /** CONNACK has said no, or cannot be said: the device is to be closed. */
  refused(): void;
  onError(error: unknown): void;
}

export class Handshake {
  readonly #device: DeviceSocket;
  readonly #owner: HandshakeOwner;
  /** Before CONNECT; it is judged; the client's AUTH is awaited; answered, or the device is gone. */
  #phase: "waiting" | "judged" | "challenged" | "over" = "waiting";
  /** Null: user name and password of CONNECT are all there is. */
  #enhanced: { readonly connect: ConnectPacket; readonly method: string; readonly exchange: ScramExchange } | null =
    null;
  /** Packets that came while CONNECT was judged. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;

  constructor(device: DeviceSocket, owner: HandshakeOwner) {
    this.#device = device;
    this.#owner = owner;
  }

  /** Bytes that wait for the answer. */
  get pendingBytes(): number {
    return this.#earlyBytes;
  }

  /** A whole packet. Throws MqttError for what ends the connection. */
  onPacket(packet: Uint8Array): void {
    switch (this.#phase) {
      case "waiting":
        this.#onConnect(packet);
        return;
      case "judged":
        if (this.#enhanced === null) this.#keep(packet);
        else this.#onAuth(packet, false);
        return;
      case "challenged":
        this.#onAuth(packet, true);
        return;
      case "over":
        return;
      default:
        this.#phase satisfies never;
    }
  }

  /** So many bytes of a packet are there that is not whole. Throws MqttError if it is a CONNECT too large to wait for. */
  onPartial(bytes: number): void {
    if (this.#phase === "waiting" && bytes > limits.connectPacketBytes) throw tooLarge();
  }

  /** CONNACK with a reason. False: no answer is due, since no CONNECT came or it has its answer. */
  refuse(reasonCode: ReasonCode, reasonString: string): boolean {
    if (this.#phase !== "judged" && this.#phase !== "challenged") return false;
    this.close();
    this.#device.connack({ sessionPresent: false, reasonCode, reasonString });
    return true;
  }

  /** Nothing more is said, and nothing that waits is kept. */
  close(): void {
    this.#phase = "over";
    this.#early = [];
    this.#earlyBytes = 0;
  }

  #onConnect(bytes: Uint8Array): void {
    let connect;
    try {
      if (bytes.length > limits.connectPacketBytes) throw tooLarge();
      connect = readPacket(bytes, null);
    } catch (error) {
      const version = error instanceof MqttError ? answerVersionOf(bytes, error.reasonCode) : null;
      if (version === null) throw error;
      this.#phase = "judged";
      this.#device.learn(version, null);
      throw error;
    }
    if (connect.type !== "connect") return;
    this.#phase = "judged";
    this.#device.learn(connect.protocolVersion, connect.maximumPacketSize);
    this.#hold(this.#begin(connect));
  }

  /** A link that opens once the device has gone is closed here, and by nobody else. */
  #hold(work: Promise<void>): void {
    this.#owner.hold(work.catch((error: unknown) => this.#owner.onError(error)));
  }

  async #begin(connect: ConnectPacket): Promise<void> {
    const refusal = refuseConnect(connect) ?? (isolateIsFull() ? BUSY : null);
    if (refusal !== null) this.#refuse(refusal);
    else if (connect.authenticationMethod === null) await this.#judge(connect, null, null);
    else await this.#challenge(connect, connect.authenticationMethod);
  }

  // ---- Enhanced authentication, section 4.12 ------------------------------------------------------------------------

  async #challenge(connect: ConnectPacket, method: string): Promise<void> {
    const exchange = this.#owner.beginExchange(connect.username);
    this.#enhanced = { connect, method, exchange };
    const challenged = await exchange.challenge(connect.authenticationData);
    if (this.#phase !== "judged") return;
    if (challenged.outcome === "denied") {
      this.#refuse(challenged); // [MQTT-4.12.0-4]
      return;
    }
    this.#phase = "challenged";
    if (this.#device.auth(reasonCodes.continueAuthentication, method, challenged.data)) return; // [MQTT-4.12.0-2]
    this.#refuse({ reasonCode: reasonCodes.packetTooLarge, reasonString: "it takes no packet of that size" });
  }

  /** What may come before CONNACK: the AUTH that is awaited, and DISCONNECT. [MQTT-3.1.2-30] */
  #onAuth(bytes: Uint8Array, awaited: boolean): void {
    const enhanced = this.#enhanced;
    if (enhanced === null) return;
    const packet = readPacket(bytes, enhanced.connect.protocolVersion);
    if (packet.type === "disconnect") {
      this.close();
      this.#owner.refused();
      return;
    }
    if (packet.type !== "auth" || !awaited || packet.reasonCode !== reasonCodes.continueAuthentication) {
      throw new MqttError(reasonCodes.protocolError, "nothing but the AUTH that is awaited may come before CONNACK");
    }
    if (packet.authenticationMethod !== enhanced.method) {
      throw new MqttError(reasonCodes.protocolError, "AUTH with another authentication method"); // [MQTT-4.12.0-5]
    }
    this.#phase = "judged";
    this.#hold(this.#finish(enhanced.connect, enhanced.exchange, packet.authenticationData));
  }

  async #finish(connect: ConnectPacket, exchange: ScramExchange, data: Uint8Array | null): Promise<void> {
    const answered = await exchange.answer(data);
    if (answered.outcome === "denied")
      this.#refuse(answered); // [MQTT-4.12.0-4]
    else if (this.#phase === "judged") await this.#judge(connect, answered.proven, answered.data);
  }

  // ---- The answer ---------------------------------------------------------------------------------------------------

  #keep(packet: Uint8Array): void {
    this.#early.push(packet);
    this.#earlyBytes += packet.length;
    if (this.#earlyBytes > limits.inboundPendingBytes || this.#early.length > limits.earlyPackets) {
      throw new MqttError(reasonCodes.quotaExceeded, "more than can wait for the answer to CONNECT");
    }
  }

  /** `data`: the last word of an exchange. */
  async #judge(connect: ConnectPacket, proven: Proven | null, data: string | null): Promise<void> {
    const judged = await this.#owner.judge(connect, proven);
    if (judged.outcome === "connected") this.#accept(connect, judged, data);
    else this.#refuse(judged);
  }

  #refuse({ reasonCode, reasonString }: Refusal): void {
    if (this.refuse(reasonCode, reasonString)) this.#owner.refused(); // [MQTT-3.1.4-2] [MQTT-3.2.2-7]
  }

  #accept(connect: ConnectPacket, accepted: Accepted, authenticationData: string | null): void {
    const { link, config, sessionPresent: present, assignedClientId } = accepted;
    const clientId = assignedClientId ?? connect.clientId;
    const session = { present, clientId, assignedClientId, authenticationData };
    if (this.#phase === "judged") {
      if (!this.#device.connack(connackOf(connect, config, session))) {
        link.close(linkClose.fault, "it takes no packet that says what it must know");
        this.#owner.refused();
        return;
      }
    }
    // Asked behind CONNACK: sending it may have shown that nobody is there.
    if (this.#phase !== "judged") {
      link.close(linkClose.deviceGone, "the device left while it connected");
      return;
    }
    const early = this.#early;
    this.close();
    this.#owner.accepted(connect, accepted, early);
  }
}

const BUSY = { reasonCode: reasonCodes.serverBusy, reasonString: "too much waits here" } as const;

function tooLarge(): MqttError {
  return new MqttError(reasonCodes.packetTooLarge, `a CONNECT of more than ${limits.connectPacketBytes} bytes`);
}
