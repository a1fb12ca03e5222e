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
import { writeDisconnectFromClient } from "../../broker/mqtt/server-packets.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import type { ShardFrame } from "../../contracts/link.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import { forgetDeployment, forgetPrincipal, learnConfig } from "../authenticate/authenticate.ts";
import { answerVersionOf, boundedExpiry, connackOf, keepAliveOf, packetBytesMax, refuseConnect } from "./connect.ts";
import type { Due } from "./connection-clock.ts";
import { ConnectionClock } from "./connection-clock.ts";
import { DeviceSocket, disconnectReasonOf, webSocketClose } from "./device-socket.ts";
import type { EdgeLink, LinkListener } from "./edge-link.ts";
import { InboundReader } from "./inbound.ts";
import { isolateIsFull, LoadShare } from "./isolate-load.ts";
import type { Judged } from "./judge.ts";
import { judge } from "./judge.ts";
import { translate } from "./outbound.ts";

/** How often what waits is looked at while nothing moves, and while the device takes nothing. */
const LOOK_MS = 1_000;
const SLOW_LOOK_MS = 100;

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
  readonly #device: DeviceSocket;
  readonly #assembler: FrameAssembler;
  readonly #load = new LoadShare();
  readonly #clock = new ConnectionClock(Date.now());
  readonly #packetsMax = limits.connectionPackets * (1 + Math.random());
  #config: DeploymentConfig;
  #phase: Phase = "new";
  #version: ProtocolVersion = 5;
  /** Packets that came while CONNECT was judged. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #link: EdgeLink | null = null;
  #inbound: InboundReader | null = null;
  #packets = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = Infinity;
  /** Bytes from the shard that are not confirmed to it. */
  #owed = 0;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#device = new DeviceSocket(socket, () => this.#onDeviceGone());
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
    const now = Date.now();
    this.#clock.heard(now);
    try {
      this.#assembler.push(new Uint8Array(data), this.#visit);
      if (this.#phase === "new" && this.#assembler.heldBytes > limits.connectPacketBytes) throw tooLarge();
    } catch (error) {
      this.onError(error);
    }
    this.#watch(now);
  }

  /** Made once: frames come often. Nothing behind the end of a connection is looked at. */
  readonly #visit = (packet: Uint8Array): boolean => {
    this.#onPacket(packet);
    return this.#phase !== "closed";
  };

  #onPacket(packet: Uint8Array): void {
    switch (this.#phase) {
      case "new":
        this.#onConnect(packet);
        return;
      case "judged":
        this.#earlyBytes += packet.length;
        this.#early.push(packet);
        if (this.#earlyBytes > limits.inboundPendingBytes || this.#early.length > limits.earlyPackets) throw tooMuch();
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

  #forward(bytes: Uint8Array): void {
    const link = this.#link;
    const inbound = this.#inbound?.read(bytes);
    if (link === null || inbound === undefined) return;
    this.#count(1);
    switch (inbound.type) {
      case "forward":
        if (inbound.droppable && link.pendingBytes > limits.inboundPendingBytes) return; // QoS 0 under overload.
        link.send(inbound.packet);
        if (link.pendingBytes > limits.inboundPendingBytesHard || link.pendingPackets > limits.inboundPendingPackets)
          throw tooMuch();
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

  #onDisconnect({ reasonCode, sessionExpiryInterval }: DisconnectPacket): void {
    const maximum = this.#config.settings.sessionExpirySecondsMax;
    const expiry = sessionExpiryInterval === null ? null : boundedExpiry(sessionExpiryInterval, maximum);
    this.#link?.send(writeDisconnectFromClient({ type: "disconnect", reasonCode, sessionExpiryInterval: expiry }));
    this.#close(webSocketClose.normal, linkClose.deviceGone); // [MQTT-3.14.4-1]
  }

  // ---- CONNECT ------------------------------------------------------------------------------------------------------

  #onConnect(bytes: Uint8Array): void {
    let connect;
    try {
      if (bytes.length > limits.connectPacketBytes) throw tooLarge();
      connect = readPacket(bytes, null);
    } catch (error) {
      const version = error instanceof MqttError ? answerVersionOf(bytes, error.reasonCode) : null;
      if (version === null) throw error;
      this.#begin(version, null);
      throw error;
    }
    if (connect.type !== "connect") return;
    this.#begin(connect.protocolVersion, connect.maximumPacketSize);
    this.#connect(connect).catch((error: unknown) => this.onError(error));
  }

  /** From now on an answer is due. */
  #begin(version: ProtocolVersion, packetBytes: number | null): void {
    this.#phase = "judged";
    this.#version = version;
    this.#device.learn(version, packetBytes);
  }

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
    if (judged.outcome === "refused") this.#refuse(judged.reasonCode, judged.reasonString);
    else if (this.#phase === "judged") this.#accept(connect, judged);
    else judged.link.close(linkClose.deviceGone, "the device left while it connected");
  }

  #accept(connect: ConnectPacket, judged: Extract<Judged, { outcome: "connected" }>): void {
    const { link, config, sessionPresent, assignedClientId } = judged;
    this.#config = config;
    this.#link = link;
    this.#inbound = new InboundReader(this.#version, {
      messageBytesMax: () => this.#config.limits.messageBytesMax,
      transient: (connect.sessionExpiryInterval ?? 0) === 0,
    });
    const now = Date.now();
    this.#clock.connected(keepAliveOf(connect, config), now);
    if (!this.#device.connack(connackOf(connect, config, { present: sessionPresent, assignedClientId }))) {
      this.#close(webSocketClose.normal, linkClose.fault); // It takes no packet that says what it must know.
      return;
    }
    this.#phase = "connected";
    link.listen(this);
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const packet of early) this.#onPacket(packet);
    this.#watch(now);
    this.#arm();
  }

  /** [MQTT-3.1.4-2] [MQTT-3.2.2-7] */
  #refuse(reasonCode: ReasonCode, reasonString: string): void {
    if (this.#phase !== "judged") return;
    this.#device.connack({ sessionPresent: false, reasonCode, reasonString });
    this.#close(webSocketClose.normal, linkClose.fault);
  }

  // ---- From the shard -----------------------------------------------------------------------------------------------

  onPackets(packets: Uint8Array): void {
    if (this.#phase !== "connected") return;
    const { bytes, packets: count, ends, disconnect } = translate(packets, this.#version);
    if (bytes.length > 0) this.#device.send(bytes);
    if (ends) {
      if (disconnect !== null) this.#onShardDisconnect(disconnect);
      this.#close(webSocketClose.normal, linkClose.ended);
      return;
    }
    this.#owed += packets.length;
    this.#count(count);
    this.#watch(Date.now());
  }

  #onShardDisconnect(packet: Uint8Array): void {
    this.#device.passDisconnect(packet);
    // The deployment stopped or is gone: what is remembered of it lets nobody in any more.
    if (disconnectReasonOf(packet) === reasonCodes.serverShuttingDown) forgetDeployment(this.#options.deploymentId);
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
        throw new TypeError("a control frame of an unknown type");
    }
  }

  onLost(): void {
    this.#end(reasonCodes.serverShuttingDown, "the service restarts: connect again", linkClose.ours);
  }

  // ---- Deadlines and bounds -----------------------------------------------------------------------------------------

  /** Sets the one timer, unless it rings early enough as it is. */
  #arm(): void {
    if (this.#phase === "closed") return;
    const next = this.#clock.next();
    if (next >= this.#timerAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, next - Date.now()));
  }

  #onTimer(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = Date.now();
    for (let due = this.#clock.due(now); due !== null; due = this.#clock.due(now)) this.#onDue(due, now);
    this.#arm();
  }

  #onDue(due: Due, now: number): void {
    switch (due) {
      case "connect":
        this.#refuse(reasonCodes.serverUnavailable, "no answer in time");
        this.#close(webSocketClose.protocolError, linkClose.fault);
        return;
      case "keepAlive":
        this.#end(reasonCodes.keepAliveTimeout, "nothing came for one and a half keep alives", linkClose.keepAlive);
        return;
      case "beat":
        if (this.#link?.beat() === false) this.onLost();
        return;
      case "look":
        this.#watch(now);
        return;
      default:
        due satisfies never;
    }
  }

  /** A connection that has carried its share is ended: the next one has a budget of its own. */
  #count(packets: number): void {
    this.#packets += packets;
    if (this.#packets <= this.#packetsMax) return;
    this.#end(reasonCodes.maximumConnectTime, "the connection has carried its share: connect again", linkClose.ours);
  }

  /** Accounts for what waits, and lets the shard send on as far as the device takes what it gets. */
  #watch(now: number): void {
    if (this.#phase === "closed") return;
    const buffered = this.#device.bufferedBytes;
    const taking = this.#device.taking(buffered, now);
    if (taking === "not") {
      this.#close(webSocketClose.goingAway, linkClose.deviceGone);
      return;
    }
    if (taking === "well" && this.#owed > 0) {
      this.#link?.confirm(this.#owed);
      this.#owed = 0;
    }
    const waiting = this.#assembler.heldBytes + this.#earlyBytes + (this.#link?.pendingBytes ?? 0) + buffered;
    this.#load.set(waiting);
    if (waiting === 0) return;
    this.#clock.lookAt(now + (taking === "well" ? LOOK_MS : SLOW_LOOK_MS));
    this.#arm();
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  onError(error: unknown): void {
    if (this.#phase === "closed") return;
    const ours = !(error instanceof MqttError);
    if (ours) log.error("a connection failed", { error });
    const reasonCode = ours ? reasonCodes.unspecifiedError : error.reasonCode;
    const reasonString = ours ? "internal error" : error.message;
    if (this.#phase === "connected") this.#end(reasonCode, reasonString, ours ? linkClose.ours : linkClose.fault);
    else this.#refuse(reasonCode, reasonString);
    this.#close(webSocketClose.normal, linkClose.fault);
  }

  /** DISCONNECT with a reason, then the end. [MQTT-4.13.1-1] */
  #end(reasonCode: ReasonCode, reasonString: string, cause: number): void {
    if (this.#phase !== "connected") return;
    this.#device.disconnect(reasonCode, reasonString);
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
    this.#device.close(code);
  }
}

function tooMuch(): MqttError {
  return new MqttError(reasonCodes.quotaExceeded, "more than the service can take from one connection");
}

function tooLarge(): MqttError {
  return new MqttError(reasonCodes.packetTooLarge, `a CONNECT of more than ${limits.connectPacketBytes} bytes`);
}
