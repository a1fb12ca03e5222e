// A connected client that authenticates again, MQTT 5.0 section 4.12.1: by the method of its CONNECT, as the user that it
// is. Its packets go on meanwhile.

import { MqttError } from "../../broker/mqtt/mqtt-error.ts";
import type { AuthPacket } from "../../broker/mqtt/packets.ts";
import type { ReasonCode } from "../../broker/mqtt/reason-codes.ts";
import { reasonCodes } from "../../broker/mqtt/reason-codes.ts";
import { linkClose } from "../../contracts/link.ts";
import type { Admitted, Proven } from "../authenticate/authenticator.ts";
import type { ScramExchange } from "../authenticate/scram-exchange.ts";
import type { DeviceSocket } from "./device-socket.ts";

export interface ReauthenticationOwner {
  beginExchange(username: string): ScramExchange;
  /** Whether who has proved who it is may stay. */
  admitProven(proven: Proven): Promise<Admitted>;
  /** Tells the device why, then ends it. `cause`: of `linkClose`. */
  end(reasonCode: ReasonCode, reasonString: string, cause: number): void;
  onError(error: unknown): void;
}

export class Reauthentication {
  readonly #device: DeviceSocket;
  /** Of CONNECT; null: it named none. */
  readonly #method: string | null;
  readonly #username: string;
  readonly #owner: ReauthenticationOwner;
  /** Null: none is under way. */
  #exchange: ScramExchange | null = null;
  /** The client's answer is awaited. */
  #challenged = false;

  constructor(device: DeviceSocket, method: string | null, username: string, owner: ReauthenticationOwner) {
    this.#device = device;
    this.#method = method;
    this.#username = username;
    this.#owner = owner;
  }

  /** Throws MqttError for an AUTH that may not come now. */
  onAuth({ reasonCode, authenticationMethod, authenticationData }: AuthPacket): void {
    const method = this.#method;
    if (method === null) throw fault("AUTH without an authentication method"); // [MQTT-4.12.0-7]
    if (authenticationMethod !== method) throw fault("AUTH with another authentication method"); // [MQTT-4.12.0-5]
    const begins = reasonCode === reasonCodes.reauthenticate;
    if (begins ? this.#exchange !== null : !this.#challenged) throw fault("an AUTH that is not awaited");
    const work = begins ? this.#challenge(method, authenticationData) : this.#answer(method, authenticationData);
    work.catch((error: unknown) => this.#owner.onError(error));
  }

  async #challenge(method: string, data: Uint8Array | null): Promise<void> {
    const exchange = this.#owner.beginExchange(this.#username);
    this.#exchange = exchange;
    const challenged = await exchange.challenge(data);
    if (challenged.outcome === "denied") {
      this.#fail(challenged.reasonString);
      return;
    }
    this.#challenged = true;
    if (!this.#device.auth(reasonCodes.continueAuthentication, method, challenged.data))
      this.#fail("it takes no answer");
  }

  async #answer(method: string, data: Uint8Array | null): Promise<void> {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#challenged = false;
    const answered = await exchange.answer(data);
    if (answered.outcome === "denied") {
      this.#fail(answered.reasonString);
      return;
    }
    const admitted = await this.#owner.admitProven(answered.proven);
    if (admitted.outcome !== "allow") {
      this.#fail("the user may not connect any more");
      return;
    }
    this.#exchange = null;
    if (!this.#device.auth(reasonCodes.success, method, answered.data)) this.#fail("it takes no answer");
  }

  #fail(reasonString: string): void {
    this.#owner.end(reasonCodes.notAuthorized, reasonString, linkClose.fault); // [MQTT-4.12.1-2]
  }
}

function fault(message: string): MqttError {
  return new MqttError(reasonCodes.protocolError, message);
}
