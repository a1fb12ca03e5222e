// A connected device: passes packets between its WebSocket and the link to its session shard, each in its own version of
// the protocol, and bounds what it may send. It answers PINGREQ itself.

import { limits } from "../../broker/limits.ts";
import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { ConnectPacket, DisconnectPacket, ProtocolVersion } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { writeDisconnectFromClient } from "../../broker/mqtt/server-packets.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { ShardFrame } from "../../contracts/link.ts";
import { linkClose } from "../../contracts/link.ts";
import { forgetDeployment, forgetPrincipal, learnConfig } from "../authenticate/authenticate.ts";
import { boundedExpiry } from "./connect.ts";
import type { DeviceSocket } from "./device-socket.ts";
import { disconnectReasonOf, webSocketClose } from "./device-socket.ts";
import type { EdgeLink, LinkListener } from "./edge-link.ts";
import { InboundReader } from "./inbound.ts";
import { translate } from "./outbound.ts";
import { OutboundAliases } from "./outbound-aliases.ts";
import type { ReauthenticationOwner } from "./reauthentication.ts";
import { Reauthentication } from "./reauthentication.ts";
import { ReleaseWindow } from "./release-window.ts";

const SECOND = 1_000;

export interface RelayOwner extends ReauthenticationOwner {
  /** The device was sent something, at `now`: what waits is to be looked at. */
  watch(now: number): void;
  /** Tells the device why, then ends it. `cause`, here and below: of `linkClose`. */
  end(reasonCode: ReasonCode, reasonString: string, cause: number): void;
  /** Ends the device without a word. `code`: of `webSocketClose`. */
  close(code: number, cause: number): void;
  onError(error: unknown): void;
}

export interface Relayed {
  readonly device: DeviceSocket;
  readonly link: EdgeLink;
  readonly connect: ConnectPacket;
  readonly deploymentId: DeploymentId;
  readonly config: DeploymentConfig;
  /** Who it was found to be. */
  readonly username: string;
  /** Packet ids of QoS 2 that the client has not released. */
  readonly awaitingRelease: readonly number[];
}

export class Relay implements LinkListener {
  readonly #owner: RelayOwner;
  readonly #device: DeviceSocket;
  readonly #link: EdgeLink;
  readonly #version: ProtocolVersion;
  readonly #deploymentId: DeploymentId;
  readonly #inbound: InboundReader;
  readonly #window: ReleaseWindow;
  /** Null: the client takes none. */
  readonly #aliases: OutboundAliases | null;
  readonly #problemInformation: boolean;
  readonly #reauthentication: Reauthentication;
  readonly #packetsMax = limits.connectionPackets * (1 + Math.random());
  #config: DeploymentConfig;
  #packets = 0;
  /** Bytes from the shard that are not confirmed to it. */
  #owed = 0;
  /** Messages dropped here of which the shard was not told. */
  #dropped = 0;

  /** Begins to listen to the link. */
  constructor(relayed: Relayed, owner: RelayOwner) {
    const { device, link, connect, deploymentId, config, username, awaitingRelease } = relayed;
    this.#reauthentication = new Reauthentication(device, connect.authenticationMethod, username, owner);
    const { topicAliasMaximum, maximumPacketSize, requestProblemInformation } = connect;
    this.#aliases = topicAliasMaximum === 0 ? null : new OutboundAliases(topicAliasMaximum, maximumPacketSize);
    this.#problemInformation = requestProblemInformation;
    this.#window = new ReleaseWindow(awaitingRelease);
    this.#owner = owner;
    this.#device = device;
    this.#link = link;
    this.#version = connect.protocolVersion;
    this.#deploymentId = deploymentId;
    this.#config = config;
    this.#inbound = new InboundReader(this.#version, {
      messageBytesMax: () => this.#config.limits.messageBytesMax,
      maximumPacketSize,
      transient: (connect.sessionExpiryInterval ?? 0) === 0,
      now: Date.now,
    });
    link.listen(this);
  }

  /** Bytes that wait for the shard. */
  get pendingBytes(): number {
    return this.#link.pendingBytes + this.#window.waitingBytes;
  }

  // ---- From the device ----------------------------------------------------------------------------------------------

  /** A whole packet. Throws MqttError for what ends the connection. */
  onPacket(packet: Uint8Array): void {
    const inbound = this.#inbound.read(packet);
    this.#count(1);
    switch (inbound.type) {
      case "forward":
        this.#forward(inbound.packet, inbound.droppable);
        return;
      case "once":
        this.#forwardOnce(inbound.packet, inbound.packetId);
        return;
      case "auth":
        this.#reauthentication.onAuth(inbound.packet);
        return;
      case "ping":
        this.#device.pong();
        return;
      case "disconnect":
        this.#onDisconnect(inbound.packet);
        return;
      default:
        inbound satisfies never;
    }
  }

  #forward(packet: Uint8Array, droppable: boolean): void {
    const link = this.#link;
    if (droppable && link.pendingBytes > limits.inboundPendingBytes) {
      this.#dropped += 1;
      return;
    }
    link.send(packet);
    this.#checkPending();
  }

  #forwardOnce(packet: Uint8Array, packetId: number): void {
    const { awaitingReleaseMax } = this.#config.settings;
    if (this.#window.enter(packet, packetId, awaitingReleaseMax, Date.now)) this.#link.send(packet);
    this.#checkPending();
  }

  #checkPending(): void {
    const packets = this.#link.pendingPackets + this.#window.waiting;
    if (this.pendingBytes <= limits.inboundPendingBytesHard && packets <= limits.inboundPendingPackets) return;
    throw new MqttError(reasonCodes.quotaExceeded, "more than the service can take from one connection");
  }

  #onDisconnect({ reasonCode, sessionExpiryInterval }: DisconnectPacket): void {
    const maximum = this.#config.settings.sessionExpirySecondsMax;
    const expiry = sessionExpiryInterval === null ? null : boundedExpiry(sessionExpiryInterval, maximum);
    this.#link.send(writeDisconnectFromClient({ type: "disconnect", reasonCode, sessionExpiryInterval: expiry }));
    this.#owner.close(webSocketClose.normal, linkClose.deviceGone); // [MQTT-3.14.4-1]
  }

  // ---- From the shard -----------------------------------------------------------------------------------------------

  onPackets(packets: Uint8Array): void {
    const { bytes, packets: count, ends, disconnect } = translate(packets, this.#version, this.#problemInformation);
    if (bytes.length > 0) this.#device.send(this.#aliases === null ? bytes : this.#aliases.apply(bytes));
    if (ends) {
      if (disconnect !== null) this.#onShardDisconnect(disconnect);
      this.#owner.close(webSocketClose.normal, linkClose.ended);
      return;
    }
    this.#owed += packets.length;
    this.#count(count);
    const now = Date.now();
    const { awaitingReleaseMax } = this.#config.settings;
    for (const packet of this.#window.sent(packets, awaitingReleaseMax, now)) this.#link.send(packet);
    this.#owner.watch(now);
  }

  #onShardDisconnect(packet: Uint8Array): void {
    this.#device.passDisconnect(packet);
    // The deployment stopped or is gone: what is remembered of it lets nobody in any more.
    if (disconnectReasonOf(packet) === reasonCodes.serverShuttingDown) forgetDeployment(this.#deploymentId);
  }

  onControl(frame: ShardFrame): void {
    switch (frame.type) {
      case "config":
        this.#config = frame.config;
        learnConfig(this.#deploymentId, frame.config);
        return;
      case "principal":
        forgetPrincipal(this.#deploymentId, frame.username);
        return;
      default:
        frame satisfies never;
        throw new TypeError("a control frame of an unknown type");
    }
  }

  onError(error: unknown): void {
    this.#owner.onError(error);
  }

  onLost(): void {
    this.#owner.end(reasonCodes.serverShuttingDown, "the service restarts: connect again", linkClose.ours);
  }

  // ---- As time goes by ----------------------------------------------------------------------------------------------

  /** The device takes what it is sent: the shard may send on. */
  confirm(): void {
    if (this.#owed === 0) return;
    this.#link.confirm(this.#owed);
    this.#owed = 0;
  }

  /** A look at what waits, some time after something did. */
  look(): void {
    if (this.#link.pendingBytes <= limits.inboundPendingBytes) this.#tellDropped();
    const { awaitingReleaseMax, awaitingReleaseSeconds } = this.#config.settings;
    if (!this.#window.overdue(awaitingReleaseSeconds * SECOND, Date.now())) return;
    const reasonString = `${awaitingReleaseMax} messages of QoS 2 that are not released`;
    this.#owner.end(reasonCodes.receiveMaximumExceeded, reasonString, linkClose.fault);
  }

  beat(): void {
    this.#tellDropped();
    if (!this.#link.beat()) this.onLost();
  }

  /** Ends the link. */
  close(cause: number): void {
    this.#tellDropped();
    this.#link.close(cause, "");
  }

  /** In one frame for all since the last: what is dropped is too much already. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#link.control({ v: 1, type: "dropped", messages: this.#dropped });
    this.#dropped = 0;
  }

  /** A connection that has carried its share is ended: the next one has a budget of its own. */
  #count(packets: number): void {
    this.#packets += packets;
    if (this.#packets <= this.#packetsMax) return;
    this.#owner.end(
      reasonCodes.maximumConnectTime,
      "the connection has carried its share: connect again",
      linkClose.ours,
    );
  }
}
