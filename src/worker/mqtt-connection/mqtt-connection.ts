// The connection of one device: turns what its WebSocket says into packets for the handshake, then for the relay, keeps
// all deadlines on one timer, so that an idle device wakes nothing else, and ends it once, whatever the cause.

import { FrameAssembler } from "../../broker/mqtt/frame-assembler.ts";
import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { ConnectPacket } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import type { DeploymentConfig } from "../../contracts/deployment-config.ts";
import type { DeploymentId } from "../../contracts/deployment-id.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Env } from "../../platform/env.ts";
import { log } from "../../platform/log.ts";
import { admitProven, beginScram } from "../authenticate/authenticate.ts";
import type { Admitted, Proven } from "../authenticate/authenticator.ts";
import type { ScramExchange } from "../authenticate/scram-exchange.ts";
import { keepAliveOf, packetBytesMax } from "./connect.ts";
import type { Due } from "./connection-clock.ts";
import { ConnectionClock } from "./connection-clock.ts";
import { DeviceSocket, webSocketClose } from "./device-socket.ts";
import { FloodGuard } from "./flood-guard.ts";
import type { Accepted, HandshakeOwner, Judged } from "./handshake.ts";
import { Handshake } from "./handshake.ts";
import { isolateIsFull, LoadShare } from "./isolate-load.ts";
import { judge } from "./judge.ts";
import type { RelayOwner } from "./relay.ts";
import { Relay } from "./relay.ts";

/** How often what waits is looked at while nothing moves, and while the device takes nothing. */
const LOOK_MS = 1_000;
const SLOW_LOOK_MS = 100;
/** So much may wait unlooked at: mostly it is what was sent a moment ago. */
const LITTLE_BYTES = 256;

export interface ConnectionOptions {
  readonly env: Env;
  readonly deploymentId: DeploymentId;
  readonly config: DeploymentConfig;
  /** Without port. */
  readonly peerAddress: string;
  /** Keeps the invocation alive until this has settled, though the device goes: what was begun for it is undone then. */
  readonly hold: (work: Promise<unknown>) => void;
}

export class MqttConnection implements HandshakeOwner, RelayOwner {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #device: DeviceSocket;
  readonly #assembler: FrameAssembler;
  readonly #handshake: Handshake;
  /** Null until CONNACK has said yes. */
  #relay: Relay | null = null;
  readonly #load = new LoadShare();
  readonly #flood = new FloodGuard();
  readonly #clock = new ConnectionClock(Date.now());
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = Infinity;
  #closed = false;
  /** The frame had a whole packet, which alone is a sign of life. */
  #whole = false;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#device = new DeviceSocket(socket, () => this.#onDeviceGone());
    this.#assembler = new FrameAssembler(packetBytesMax(options.config));
    this.#handshake = new Handshake(this.#device, this);
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

  // ---- Frames -------------------------------------------------------------------------------------------------------

  #onFrame(data: string | ArrayBuffer): void {
    if (this.#closed) return;
    if (typeof data === "string") {
      this.close(webSocketClose.unsupportedData, linkClose.fault); // [MQTT-6.0.0-1]
      return;
    }
    const now = Date.now();
    try {
      this.#whole = false;
      this.#assembler.push(new Uint8Array(data), this.#visit);
      if (this.#whole) this.#clock.heard(now);
      if (this.#relay === null) this.#handshake.onPartial(this.#assembler.heldBytes);
    } catch (error) {
      this.onError(error);
    }
    this.watch(now);
  }

  /** Made once: frames come often. Nothing behind the end of a connection is looked at. */
  readonly #visit = (packet: Uint8Array): boolean => {
    this.#whole = true;
    if (!this.#flood.take(packet.length)) {
      throw new MqttError(reasonCodes.messageRateTooHigh, "faster than the service can read");
    }
    if (this.#relay === null) this.#handshake.onPacket(packet);
    else this.#relay.onPacket(packet);
    return !this.#closed;
  };

  // ---- The handshake ------------------------------------------------------------------------------------------------

  judge(connect: ConnectPacket, proven: Proven | null): Promise<Judged> {
    const { env, deploymentId, peerAddress } = this.#options;
    return judge(env, deploymentId, peerAddress, connect, proven);
  }

  beginExchange(username: string | null): ScramExchange {
    const { env, deploymentId, peerAddress } = this.#options;
    return beginScram(env, { deploymentId, peerAddress, username });
  }

  admitProven(proven: Proven): Promise<Admitted> {
    return admitProven(this.#options.env, proven);
  }

  hold(work: Promise<unknown>): void {
    this.#options.hold(work);
  }

  accepted(connect: ConnectPacket, accepted: Accepted, early: readonly Uint8Array[]): void {
    const { link, config, username, awaitingRelease } = accepted;
    const now = Date.now();
    const { deploymentId } = this.#options;
    this.#clock.connected(keepAliveOf(connect, config), now);
    const relayed = { device: this.#device, link, connect, deploymentId, config, username, awaitingRelease };
    this.#relay = new Relay(relayed, this);
    for (const packet of early) if (!this.#visit(packet)) return;
    this.watch(now);
    this.#arm();
  }

  refused(): void {
    this.close(webSocketClose.normal, linkClose.fault);
  }

  // ---- Deadlines and bounds -----------------------------------------------------------------------------------------

  /** Sets the one timer, unless it rings early enough as it is. */
  #arm(): void {
    if (this.#closed) return;
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
    if (this.#closed) return;
    switch (due) {
      case "connect": {
        const told = this.#handshake.refuse(reasonCodes.serverUnavailable, "no answer in time");
        this.close(told ? webSocketClose.normal : webSocketClose.protocolError, linkClose.fault);
        return;
      }
      case "keepAlive":
        this.end(reasonCodes.keepAliveTimeout, "nothing came for one and a half keep alives", linkClose.keepAlive);
        return;
      case "beat":
        this.#relay?.beat();
        return;
      case "look":
        this.#relay?.look();
        this.watch(now);
        return;
      default:
        due satisfies never;
    }
  }

  /** Accounts for what waits, and lets the shard send on as far as the device takes what it gets. */
  watch(now: number): void {
    if (this.#closed) return;
    const relay = this.#relay;
    const buffered = this.#device.bufferedBytes;
    const taking = this.#device.taking(buffered, now, isolateIsFull());
    if (taking === "not") {
      this.close(webSocketClose.goingAway, linkClose.deviceGone);
      return;
    }
    if (taking === "well") relay?.confirm();
    const pending = relay === null ? this.#handshake.pendingBytes : relay.pendingBytes;
    const waiting = this.#assembler.heldBytes + pending + buffered;
    this.#load.set(waiting);
    if (waiting <= LITTLE_BYTES) return;
    this.#clock.lookAt(now + (taking === "well" ? LOOK_MS : SLOW_LOOK_MS));
    this.#arm();
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  /** The device's fault is told by its reason code; anything else is a bug of ours, and is logged. */
  onError(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof MqttError) {
      this.end(error.reasonCode, error.message, linkClose.fault);
      return;
    }
    log.error("a connection failed", { error });
    this.end(reasonCodes.unspecifiedError, "internal error", linkClose.ours);
  }

  /** CONNACK or DISCONNECT with a reason, if there is one to be sent, then the end. [MQTT-4.13.1-1] */
  end(reasonCode: ReasonCode, reasonString: string, cause: number): void {
    if (this.#closed) return;
    if (this.#relay === null) this.#handshake.refuse(reasonCode, reasonString);
    else this.#device.disconnect(reasonCode, reasonString);
    this.close(webSocketClose.normal, cause);
  }

  /** Closes the device with a code of `webSocketClose` and its link with one of `linkClose`. */
  close(code: number, cause: number): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#load.set(0);
    this.#handshake.close();
    this.#relay?.close(cause);
    this.#device.close(code);
  }

  #onDeviceGone(): void {
    this.close(webSocketClose.normal, linkClose.deviceGone);
  }
}
