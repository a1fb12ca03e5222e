// What a subscriber that misbehaves costs those beside it: pairs of clients exchange QoS 1 messages in a closed loop, and
// one more subscriber gets all their messages. Their rate while it misbehaves is compared with their rate while it
// behaves, turn by turn within one run.

import mqttPacket from "mqtt-packet";
import { WebSocket } from "ws";
import { LoadClient, type Target } from "./client.ts";
import { wait } from "./wait.ts";

export type Misbehaviour = keyof typeof misbehaviours;

export interface NeighbourResult {
  /** Messages a second of all pairs, beside the subscriber that behaves and the one that does not. */
  behaving: number;
  misbehaving: number;
  /** The second by the first. */
  ratio: number;
}

export const misbehaviours = {
  "no-acknowledgement": "never acknowledges",
  "no-acknowledgement-lasting": "never acknowledges, with a session that outlives it",
  "own-puback-first": "Receive Maximum 1, acknowledges once its own message was",
  "no-reading": "stops reading",
} as const;

const PAIRS = 5;
const WINDOW = 20;
const TURNS = 3;
const WARM_UP_MS = 1_000;
const SETTLE_MS = 300;
const TOPIC = "bench/neighbours";
const LASTING_SECONDS = 600;
const PAYLOAD = Buffer.alloc(64, "x");
const version = { protocolVersion: 5 } as const;

/** `seconds`: of each of the six turns. */
export async function measureNeighbour(target: Target, kind: Misbehaviour, seconds: number): Promise<NeighbourResult> {
  const loop = await startPairs(target, kind);
  const lasting = kind === "no-acknowledgement-lasting";
  try {
    await wait(WARM_UP_MS);
    const counts = { behaving: 0, misbehaving: 0 };
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [name, behaviour] of [
        ["behaving", "none"],
        ["misbehaving", kind],
      ] as const) {
        const subscriber = await subscribeToAll(target, behaviour, lasting);
        await wait(SETTLE_MS);
        counts[name] += await loop.count(seconds);
        leave(subscriber);
        await wait(SETTLE_MS);
      }
    }
    const perSecond = (count: number) => count / TURNS / seconds;
    return {
      behaving: perSecond(counts.behaving),
      misbehaving: perSecond(counts.misbehaving),
      ratio: counts.misbehaving / counts.behaving,
    };
  } finally {
    loop.stop();
  }
}

async function startPairs(target: Target, kind: string) {
  const clients: LoadClient[] = [];
  let delivered = 0;
  let stopped = false;
  const starts: (() => void)[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const subscriber = await LoadClient.connect(target, { clientId: `${kind}-subscriber-${i}` });
    const publisher = await LoadClient.connect(target, { clientId: `${kind}-publisher-${i}` });
    clients.push(subscriber, publisher);
    await subscriber.subscribe(`${TOPIC}/${i}`, 1);
    const publish = publisher.publisher(`${TOPIC}/${i}`, 1, PAYLOAD);
    subscriber.onMessage = () => (delivered += 1);
    publisher.onAcknowledged = () => {
      if (!stopped) publish();
    };
    starts.push(() => {
      for (let n = 0; n < WINDOW; n++) publish();
    });
  }
  for (const start of starts) start();
  return {
    async count(seconds: number): Promise<number> {
      const before = delivered;
      await wait(seconds * 1_000);
      return delivered - before;
    },
    stop() {
      stopped = true;
      for (const client of clients) void client.close();
    },
  };
}

/** A subscriber to all the pairs' topics that acknowledges at once, or misbehaves from its first message on. */
async function subscribeToAll(target: Target, kind: Misbehaviour | "none", lasting: boolean): Promise<WebSocket> {
  const socket = new WebSocket(target.url, "mqtt", { perMessageDeflate: false });
  const parser = mqttPacket.parser(version);
  const send = (packet: mqttPacket.Packet) => socket.send(mqttPacket.generate(packet, version));
  socket.on("error", () => {});
  socket.on("message", (data) => parser.parse(data as Buffer));
  socket.on("open", () =>
    send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 5,
      clean: true,
      clientId: `subscriber-${kind}`,
      keepalive: 60,
      username: target.username,
      password: Buffer.from(target.password),
      properties: {
        ...(kind === "own-puback-first" ? { receiveMaximum: 1 } : {}),
        ...(lasting ? { sessionExpiryInterval: LASTING_SECONDS } : {}),
      },
    }),
  );
  let unacknowledged = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("close", () => reject(new Error("the subscriber was not let in")));
    parser.on("packet", (packet) => {
      switch (packet.cmd) {
        case "connack":
          send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `${TOPIC}/+`, qos: 1 }] });
          break;
        case "suback":
          if (kind === "no-reading") socket.pause();
          resolve();
          break;
        case "publish":
          if (kind === "none") send({ cmd: "puback", messageId: packet.messageId ?? 0 });
          if (kind !== "own-puback-first") break;
          unacknowledged = packet.messageId ?? 0;
          send({
            cmd: "publish",
            topic: "bench/own",
            payload: PAYLOAD,
            qos: 1,
            messageId: 2,
            retain: false,
            dup: false,
          });
          break;
        case "puback":
          send({ cmd: "puback", messageId: unacknowledged });
          break;
        default:
      }
    });
  });
  return socket;
}

/** Its session ends with it, however long it was to last. */
function leave(subscriber: WebSocket): void {
  const properties = { sessionExpiryInterval: 0 };
  subscriber.send(mqttPacket.generate({ cmd: "disconnect", reasonCode: 0, properties }, version), () =>
    subscriber.terminate(),
  );
}
