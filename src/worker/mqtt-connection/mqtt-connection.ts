// The connection of one device: demands CONNECT in time, has it judged, then passes packets between the device's
// WebSocket and the link to its session shard. It answers PINGREQ and keeps all deadlines on one timer, so an idle
// device wakes nothing else.

import { limits } from "../../broker/limits.ts";
import { readPacket } from "../../broker/mqtt/control-packets.ts";
import { FrameAssembler } from "../../broker/mqtt/frame-assembler.ts";
import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { ConnectPacket, DisconnectPacket, ProtocolVersion } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import {
  writeConnack,
  writeDisconnect,
  writeDisconnectFromClient,
  writePingresp,
} from "../../broker/mqtt/server-packets.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { ShardFrame } from "../../contracts/link.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import { forgetPrincipal, learnConfig } from "../authenticate/authenticate.ts";
import { boundedExpiry, connackOf, keepAliveOf, packetBytesMax, refuseConnect, sessionExpiryOf } from "./connect.ts";
import type { EdgeLink, LinkListener } from "./edge-link.ts";
import { InboundReader } from "./inbound.ts";
import { isolateIsFull, LoadShare } from "./isolate-load.ts";
import { judge } from "./judge.ts";
import { translate } from "./outbound.ts";

/** Close codes of the device's WebSocket, RFC 6455 section 7.4.1. */
const webSocketClose = { normal: 1000, goingAway: 1001, protocolError: 1002, unsupportedData: 1003 } as const;
/** How often a device that takes nothing is looked at. */
const STALLED_LOOK_MS = 100;

export interface ConnectionOptions {
  readonly env: Env;
  readonly deploymentId: DeploymentId;
  readonly config: DeploymentConfig;
  /** Without port. */
  readonly peerAddress: string;
}

/** Before CONNECT; while it is judged; connected; over. */
type Phase = "new" | "judged" | "connected" | "closed";

export class MqttConnection implements LinkListener {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #assembler: FrameAssembler;
  readonly #load = new LoadShare();
  readonly #openedAt = Date.now();
  readonly #packetsMax = limits.connectionPackets * (1 + Math.random());
  #config: DeploymentConfig;
  #phase: Phase = "new";
  /** Packets that came while CONNECT was judged. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #version: ProtocolVersion = 5;
  #link: EdgeLink | null = null;
  #inbound: InboundReader | null = null;
  #packets = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #heardAt = Date.now();
  #keepAliveMs = 0;
  #beatAt = Infinity;
  /** Bytes sent to a device that does not take them, and since when. */
  #owed = 0;
  #stalledSince: number | null = null;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#config = options.config;
    this.#assembler = new FrameAssembler(packetBytesMax(options.config));
  }

  /** Accepts the socket and serves it until it closes. */
  start(): void {
    const socket = this.#socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#onFrame(data as string | ArrayBuffer));
    socket.addEventListener("close", () => this.#onDeviceGone());
    socket.addEventListener("error", () => this.#onDeviceGone());
    socket.accept();
    this.#arm();
  }

  // ---- From the device ----------------------------------------------------------------------------------------------

  #onFrame(data: string | ArrayBuffer): void {
    if (this.#phase === "closed") return;
    if (typeof data === "string") {
      this.#close(webSocketClose.unsupportedData, linkClose.fault); // [MQTT-6.0.0-1]
      return;
    }
    this.#heardAt = Date.now();
    try {
      for (const packet of this.#assembler.push(new Uint8Array(data))) this.#onPacket(packet);
    } catch (error) {
      this.#onError(error);
    }
    this.#account();
  }

  #onPacket(packet: Uint8Array): void {
    switch (this.#phase) {
      case "new":
        this.#onConnect(packet);
        return;
      case "judged":
        this.#earlyBytes += packet.length;
        if (this.#earlyBytes > limits.inboundPendingBytes) throw tooMuch();
        this.#early.push(packet);
        return;
      case "connected":
        this.#forward(packet);
        return;
      case "closed":
        return;
      default:
        this.#phase satisfies never;
    }
  }

  #onConnect(bytes: Uint8Array): void {
    const connect = readPacket(bytes, null);
    if (connect.type !== "connect") return;
    this.#phase = "judged";
    this.#version = connect.protocolVersion;
    this.#connect(connect).catch((error: unknown) => this.#onError(error));
  }

  #forward(bytes: Uint8Array): void {
    const link = this.#link;
    const inbound = this.#inbound?.read(bytes);
    if (link === null || inbound === undefined) return;
    this.#packets += 1;
    if (this.#packets > this.#packetsMax) {
      this.#end(reasonCodes.maximumConnectTime, "the connection has carried its share: connect again", linkClose.ours);
      return;
    }
    switch (inbound.type) {
      case "forward":
        if (inbound.droppable && link.pendingBytes > limits.inboundPendingBytes) return; // QoS 0 under overload.
        link.send(inbound.packet);
        if (link.pendingBytes > limits.inboundPendingBytesHard) throw tooMuch();
        return;
      case "ping":
        this.#send(writePingresp()); // [MQTT-3.12.4-1]
        return;
      case "disconnect":
        this.#onDisconnect(inbound.packet);
        return;
      default:
        inbound satisfies never;
    }
  }

  #onDisconnect({ reasonCode, sessionExpiryInterval }: DisconnectPacket): void {
    const maximum = this.#config.settings.sessionExpirySecondsMax;
    const expiry = sessionExpiryInterval === null ? null : boundedExpiry(sessionExpiryInterval, maximum);
    this.#link?.send(writeDisconnectFromClient({ type: "disconnect", reasonCode, sessionExpiryInterval: expiry }));
    this.#close(webSocketClose.normal, linkClose.deviceGone); // [MQTT-3.14.4-1]
  }

  // ---- CONNECT ------------------------------------------------------------------------------------------------------

  async #connect(connect: ConnectPacket): Promise<void> {
    const refusal = refuseConnect(connect);
    if (refusal !== null) {
      this.#refuse(refusal.reasonCode, refusal.reasonString);
      return;
    }
    if (isolateIsFull()) {
      this.#refuse(reasonCodes.serverBusy, "too much waits here");
      return;
    }
    const { env, deploymentId, peerAddress } = this.#options;
    const judged = await judge(env, deploymentId, peerAddress, connect);
    if (judged.outcome === "refused") {
      this.#refuse(judged.reasonCode, judged.reasonString);
      return;
    }
    const { link, config, sessionPresent, assignedClientId } = judged;
    if ((this.#phase as Phase) === "closed") {
      link.close(linkClose.deviceGone, "the device left while it connected");
      return;
    }
    this.#config = config;
    this.#link = link;
    this.#inbound = new InboundReader(this.#version, {
      messageBytesMax: () => this.#config.limits.messageBytesMax,
      transient: sessionExpiryOf(connect, config) === 0,
    });
    this.#keepAliveMs = keepAliveOf(connect, config) * 1_500; // [MQTT-3.1.2-22]
    this.#beatAt = Date.now() + limits.heartbeatMs;
    this.#send(writeConnack(connackOf(connect, config, { present: sessionPresent, assignedClientId }), this.#version));
    this.#phase = "connected";
    link.listen(this);
    this.#arm();
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const packet of early) this.#onPacket(packet);
    this.#account();
  }

  /** [MQTT-3.1.4-2] [MQTT-3.2.2-7] */
  #refuse(reasonCode: ReasonCode, reasonString: string): void {
    if (this.#phase === "closed") return;
    this.#send(writeConnack({ sessionPresent: false, reasonCode, reasonString }, this.#version));
    this.#close(webSocketClose.normal, linkClose.fault);
  }

  // ---- From the shard -----------------------------------------------------------------------------------------------

  onPackets(packets: Uint8Array): void {
    if (this.#phase !== "connected") return;
    const { bytes, packets: count, ends } = translate(packets, this.#version);
    this.#packets += count;
    if (bytes.length > 0) this.#send(bytes);
    if (ends) {
      this.#close(webSocketClose.normal, linkClose.ended);
      return;
    }
    this.#owed += packets.length;
    this.#confirm();
    this.#account();
  }

  onControl(frame: ShardFrame): void {
    const { deploymentId } = this.#options;
    switch (frame.type) {
      case "config":
        this.#config = frame.config;
        learnConfig(deploymentId, frame.config);
        return;
      case "principal":
        forgetPrincipal(deploymentId, frame.username);
        return;
      default:
        frame satisfies never;
    }
  }

  onLost(): void {
    this.#end(reasonCodes.serverShuttingDown, "the service restarts: connect again", linkClose.ours);
  }

  // ---- Deadlines and bounds -----------------------------------------------------------------------------------------

  /** Sets the one timer for the earliest of what is to be watched. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#phase === "closed") return;
    const now = Date.now();
    let next = this.#beatAt;
    if (this.#phase !== "connected") next = this.#openedAt + limits.connectTimeoutMs;
    else if (this.#keepAliveMs > 0) next = Math.min(next, this.#heardAt + this.#keepAliveMs);
    if (this.#stalledSince !== null) next = Math.min(next, now + STALLED_LOOK_MS);
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, next - now));
  }

  #onTimer(): void {
    this.#timer = null;
    const now = Date.now();
    if (this.#phase === "new" || this.#phase === "judged") {
      if (now - this.#openedAt >= limits.connectTimeoutMs) this.#close(webSocketClose.protocolError, linkClose.fault);
    } else if (this.#keepAliveMs > 0 && now - this.#heardAt >= this.#keepAliveMs) {
      this.#end(reasonCodes.keepAliveTimeout, "nothing came for one and a half keep alives", linkClose.keepAlive);
    } else if (now >= this.#beatAt) {
      this.#beatAt = now + limits.heartbeatMs;
      if (this.#link?.beat() === false) this.onLost();
    }
    if (this.#stalledSince !== null) this.#confirm();
    this.#arm();
  }

  /** Lets the shard send on as far as the device takes what it gets. */
  #confirm(): void {
    if (this.#socket.bufferedAmount <= limits.outboundBufferedBytes) {
      this.#stalledSince = null;
      if (this.#owed === 0) return;
      this.#link?.confirm(this.#owed);
      this.#owed = 0;
      return;
    }
    const now = Date.now();
    if (this.#stalledSince === null) {
      this.#stalledSince = now;
      this.#arm();
    } else if (now - this.#stalledSince > limits.outboundStalledMs) {
      this.#close(webSocketClose.goingAway, linkClose.deviceGone);
    }
  }

  #account(): void {
    if (this.#phase === "closed") return;
    const waiting = this.#assembler.heldBytes + this.#earlyBytes + (this.#link?.pendingBytes ?? 0);
    this.#load.set(waiting + this.#socket.bufferedAmount);
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  #onError(error: unknown): void {
    if (this.#phase === "closed") return;
    const ours = !(error instanceof MqttError);
    if (ours) log.error("a connection failed", { error });
    const reasonCode = ours ? reasonCodes.unspecifiedError : error.reasonCode;
    const reasonString = ours ? "internal error" : error.message;
    if (this.#phase === "connected") this.#end(reasonCode, reasonString, ours ? linkClose.ours : linkClose.fault);
    else this.#refuse(reasonCode, reasonString);
  }

  /** DISCONNECT with a reason, then the end. [MQTT-4.13.1-1] */
  #end(reasonCode: ReasonCode, reasonString: string, cause: number): void {
    if (this.#phase !== "connected") return;
    const packet = writeDisconnect(reasonCode, this.#version, reasonString);
    if (packet.length > 0) this.#send(packet);
    this.#close(webSocketClose.normal, cause);
  }

  #onDeviceGone(): void {
    this.#close(webSocketClose.normal, linkClose.deviceGone);
  }

  #close(code: number, cause: number): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#early = [];
    this.#load.set(0);
    this.#link?.close(cause, "");
    try {
      this.#socket.close(code, "");
    } catch {
      // It is gone already.
    }
  }

  #send(bytes: Uint8Array): void {
    try {
      this.#socket.send(bytes);
    } catch {
      this.#onDeviceGone();
    }
  }
}

function tooMuch(): MqttError {
  return new MqttError(reasonCodes.quotaExceeded, "more than the service can take from one connection");
}
