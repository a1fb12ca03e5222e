// The peer's fault: a packet or an order of packets that the specification refuses. It ends one connection.

import type { ReasonCode } from "./reason-codes.ts";

/** Thrown by the codec and the session; `reasonCode` goes into the CONNACK or DISCONNECT that answers it. */
export class MqttError extends Error {
  override readonly name = "MqttError";
  readonly reasonCode: ReasonCode;

  /** `message` is for the Reason String: it names the fault and repeats nothing of the packet's content. */
  constructor(reasonCode: ReasonCode, message: string) {
    super(message);
    this.reasonCode = reasonCode;
  }
}
