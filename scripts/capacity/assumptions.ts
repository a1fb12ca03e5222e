// What the figures rest on, as the report says it.

import { limits } from "../../src/broker/limits.ts";
import { SLOTS } from "../../src/broker/topics/slots.ts";
import { UNUSED_MS } from "../../src/platform/stream-watch.ts";
import { platform, work } from "./measured.ts";

export const assumptions: readonly string[] = [
  "Work for each message was measured on one machine (scripts/capacity/measured.ts); nothing was billed anywhere.",
  `Its CPU is that of a machine at work. One that sleeps between events took up to 5 times as much for a message and 10 times for a PINGREQ, with the waking of threads: Worker CPU would cost so much more if the platform counted that.`,
  "Devices are alike, publish at random moments, and their subscribers are spread over all shards; so are the topics, which hash by their first two levels. One subscriber of everything, or topics that share two levels, is another load.",
  `Client ids hash to ${SLOTS.toLocaleString("en")} slots: some shards have a slot more, and chance adds up to four standard deviations. The largest must not pass ${limits.connectionsPerShard.toLocaleString("en")} links.`,
  "A deployment has as many topic shards as session shards; it can be given other numbers.",
  `A subscriber acknowledges QoS 1 within ${limits.ackDeadlineMs} ms, or its message is written (--late-share).`,
  `The platform's ${platform.objectRequestsPerSecond.toLocaleString("en")} requests a second of an object are meant for attaches and openings of streams, not for frames.`,
  `All streams that an object sends close together, after a silence of --stream-idle-ms; one alone after ${UNUSED_MS / 1_000} s. That answers and batches of a message come as fast as assumed decides how often objects with some ten messages a second fall silent.`,
  "An object is billed while an event runs, a timer is set or a stream of its own is open, and no more once it could hibernate.",
  "The opening of a stream is a request; frames and answers are a twentieth each; what the platform answers by itself (the links' heartbeat) is none. If it were, 1,000,000 devices would cost $324 more.",
  "A connect is a Worker request, an attach at its session shard and, by --lookup-share, a look-up at the Deployment object.",
  "List prices without taxes; the included amounts are taken off once. Postgres, logs, the console and mails are left out; the edge's traffic is free.",
  "Peers: EMQX's traffic is MQTT's bytes without TLS; AWS meters each PUBLISH both ways, CONNECT, SUBSCRIBE and PUBACK of devices.",
  `Storms: all connections end at one moment. A device waits at random up to the back-off, which doubles with each failure. The edge is not a bound. A shard attaches one after the other, a core's share of ${work.connectMicroseconds} us and ${platform.objectWritesPerSecond} a second at most; the one Deployment object answers ${platform.objectRequestsPerSecond.toLocaleString("en")} look-ups a second. A request that would wait more than ${platform.objectQueueMs / 1_000} s is refused. What devices send again after that, and queues that wait for them, are left out.`,
  "Moving a slot or a shard of a living deployment is not built yet: what is shown is the connecting again alone.",
  `Simulated messages: ${work.hopMs} ms between objects and ${work.deviceMs} ms to a device and back; each frame and answer goes by itself, which is the most there can be.`,
];
