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
import { answerVersionOf, connackOf, refuseConnect } from "./connect.ts";
import type { DeviceSocket } from "./device-socket.ts";
import type { EdgeLink } from "./edge-link.ts";
import { isolateIsFull } from "./isolate-load.ts";

export interface Accepted {
  outcome: "connected";
  link: EdgeLink;
  config: DeploymentConfig;
  sessionPresent: boolean;
  /** Packet ids of QoS 2 that the client has not released. */
  awaitingRelease: readonly number[];
  /** Null: the client named itself. */
  assignedClientId: string | null;
}

export type Judged = Accepted | { outcome: "refused"; reasonCode: ReasonCode; reasonString: string };

export interface HandshakeOwner {
  /** Finds out who it is and opens its link. Rejects for a bug alone. */
  judge(connect: ConnectPacket): Promise<Judged>;
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
  /** Before CONNECT; an answer is due; answered, or the device is gone. */
  #phase: "waiting" | "judged" | "over" = "waiting";
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
        this.#keep(packet);
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
    if (this.#phase !== "judged") return false;
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
    // A link that opens once the device has gone is closed here, and by nobody else.
    this.#owner.hold(this.#judge(connect).catch((error: unknown) => this.#owner.onError(error)));
  }

  #keep(packet: Uint8Array): void {
    this.#early.push(packet);
    this.#earlyBytes += packet.length;
    if (this.#earlyBytes > limits.inboundPendingBytes || this.#early.length > limits.earlyPackets) {
      throw new MqttError(reasonCodes.quotaExceeded, "more than can wait for the answer to CONNECT");
    }
  }

  async #judge(connect: ConnectPacket): Promise<void> {
    const refusal = refuseConnect(connect) ?? (isolateIsFull() ? BUSY : null);
    const judged: Judged = refusal === null ? await this.#owner.judge(connect) : { outcome: "refused", ...refusal };
    if (judged.outcome === "connected") this.#accept(connect, judged);
    else if (this.refuse(judged.reasonCode, judged.reasonString)) this.#owner.refused(); // [MQTT-3.1.4-2] [MQTT-3.2.2-7]
  }

  #accept(connect: ConnectPacket, accepted: Accepted): void {
    const { link, config, sessionPresent: present, assignedClientId } = accepted;
    if (this.#phase === "judged") {
      if (!this.#device.connack(connackOf(connect, config, { present, assignedClientId }))) {
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
