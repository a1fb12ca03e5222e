// `npm run bench:floor`: what the platform alone takes, measured with Workers that hand on what they get (bench/floor):
// an echo at the edge, a message through all the hops with its answer, one at a time and many at once, and workloads of
// the benchmark with as many legs.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { buildWorker } from "../scripts/start/build-worker.ts";
import { claimPort } from "../scripts/start/claim-port.ts";
import { startWorkerd } from "../scripts/start/start-workerd.ts";
import { benchmark } from "./benchmark.ts";
import { items, lengthOf, MESSAGE_BYTES } from "./floor/items.ts";
import { positive, readOptions } from "./options.ts";
import { cpuMicroseconds, descendant } from "./processes.ts";
import { count, format } from "./table.ts";
import { wait } from "./wait.ts";
import { percentiles } from "./workloads/meter.ts";
import { Queue } from "./workloads/queue.ts";

const PAYLOAD = Buffer.alloc(MESSAGE_BYTES, "x");
const ANSWER = Buffer.alloc(lengthOf(items.complete), "a");
const WARM_UP_MS = 1_000;
const answers = {
  received: Buffer.from([items.received, 0, 0, 0]),
  release: Buffer.from([items.release, 0, 0, 0]),
  complete: Buffer.from([items.complete, 0, 0, 0]),
};
/** As in workloads.ts. */
const exchanges = [
  { title: "as pairs at QoS 1", senders: 5, takers: 5, underWay: 20, type: items.message },
  { title: "as pairs at QoS 2", senders: 5, takers: 5, underWay: 20, type: items.once },
  { title: "as fan-in", senders: 20, takers: 1, underWay: 5, type: items.message },
];

const { seconds } = readOptions("bench:floor: [--seconds N]", { seconds: positive.default(5) });
const port = await claimPort("127.0.0.1", 0);
let pid: number | undefined;

await benchmark(async (keep) => {
  const folder = await mkdtemp(join(tmpdir(), "fulmar-floor-"));
  keep({ stop: () => rm(folder, { recursive: true, force: true }) });
  const miniflare = await startWorkerd({
    worker: await buildWorker(join(folder, "build"), "bench/floor/worker.ts"),
    host: "127.0.0.1",
    port,
    objectsDir: join(folder, "objects"),
    vars: {},
    mailer: async () => {
      throw new Error("no mail is sent here");
    },
    beside: [],
    inspectorPort: undefined,
  });
  keep({ stop: () => miniflare.dispose() });
  pid = await descendant(process.pid, "workerd");
  const lines = [["what", "a second", "p50 ms", "p99 ms", "CPU us"]];
  for (const window of [1, 100]) {
    lines.push([`echo at the edge, ${window} under way`, ...(await measure(await echo(), window))]);
  }
  const [through, close] = await allHops();
  for (const window of [1, 20]) {
    lines.push([`through all hops and the answer back, ${window} under way`, ...(await measure(through, window))]);
  }
  close();
  for (const each of exchanges) {
    const [way, end] = await exchange(each);
    lines.push([each.title, ...(await measure(way, each.senders * each.underWay))]);
    end();
  }
  lines.push(["connects with a link and an answer, 50 at a time", ...(await connects(1_000, 50))]);
  console.log(format(lines, 1));
});

/** Sends one, and is told when it is through. */
interface Way {
  send(): void;
  onThrough: () => void;
}

async function echo(): Promise<Way> {
  const socket = await connect("echo");
  const way: Way = { send: () => socket.send(PAYLOAD), onThrough: () => undefined };
  socket.on("message", () => way.onThrough());
  return way;
}

async function allHops(): Promise<[Way, () => void]> {
  const [subscriber, publisher] = [await connect("subscriber"), await connect("publisher")];
  const way: Way = { send: () => publisher.send(PAYLOAD), onThrough: () => undefined };
  subscriber.on("message", () => subscriber.send(ANSWER));
  publisher.on("message", () => way.onThrough());
  return [
    way,
    () => {
      subscriber.terminate();
      publisher.terminate();
    },
  ];
}

/** Each sender has so many under way, and sends the next one when one is complete. What a frame holds is answered with one
 *  frame. */
async function exchange({ senders, takers, underWay, type }: (typeof exchanges)[number]): Promise<[Way, () => void]> {
  const sockets = await Promise.all(Array.from({ length: senders + takers }, (_, i) => device(i)));
  const free: (() => void)[] = [];
  const way: Way = { send: () => free.pop()?.(), onThrough: () => undefined };
  for (const [i, socket] of sockets.entries()) {
    const message = Buffer.alloc(MESSAGE_BYTES);
    message.set([type, i, senders + (i % takers)]);
    const next = () => socket.send(message);
    socket.on("message", (frame: Buffer) => {
      const back: Buffer[] = [];
      let complete = 0;
      for (let at = 0; at < frame.length; at += lengthOf(frame[at])) {
        const answer = answerTo(frame[at]);
        if (answer === null) complete += 1;
        else back.push(answer);
      }
      if (back.length > 0) socket.send(Buffer.concat(back));
      for (; complete > 0; complete--) {
        free.push(next);
        way.onThrough();
      }
    });
    if (i < senders) for (let n = 0; n < underWay; n++) free.push(next);
  }
  return [way, () => sockets.forEach((socket) => socket.terminate())];
}

/** Null: it is complete with that. */
function answerTo(type: number | undefined): Buffer | null {
  switch (type) {
    case items.message:
      return answers.complete;
    case items.once:
      return answers.received;
    case items.received:
      return answers.release;
    case items.release:
      return answers.complete;
    default:
      return null;
  }
}

async function device(number: number): Promise<WebSocket> {
  const socket = await connect(`device-${number}`);
  socket.send(Buffer.from([items.hello, number, 0, 0]));
  await once(socket, "message");
  return socket;
}

async function connect(role: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${role}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return socket;
}

/** An upgrade, a link to the session object, a frame and its answer through the link. */
async function connects(total: number, atATime: number): Promise<string[]> {
  const latencies: number[] = [];
  const sockets: WebSocket[] = [];
  let started = 0;
  const [from, before] = [performance.now(), (await cpuMicroseconds(pid)) ?? Number.NaN];
  const worker = async () => {
    while (started < total) {
      started += 1;
      const begun = performance.now();
      const socket = await connect("connect");
      socket.send(PAYLOAD);
      await new Promise((resolve) => socket.once("message", resolve));
      sockets.push(socket);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  const [took, cpu] = [performance.now() - from, ((await cpuMicroseconds(pid)) ?? Number.NaN) - before];
  for (const socket of sockets) socket.terminate();
  const { p50, p99 } = percentiles(latencies);
  return [count(total / (took / 1_000)), p50.toFixed(2), p99.toFixed(2), (cpu / total).toFixed(1)];
}

async function measure(way: Way, window: number): Promise<string[]> {
  const sentAt = new Queue();
  let latencies: number[] = [];
  const state = { stopped: false, underWay: 0 };
  const next = () => {
    sentAt.push(performance.now());
    state.underWay += 1;
    way.send();
  };
  way.onThrough = () => {
    latencies.push(performance.now() - (sentAt.shift() ?? 0));
    state.underWay -= 1;
    if (!state.stopped) next();
  };
  for (let n = 0; n < window; n++) next();
  await wait(WARM_UP_MS);
  latencies = [];
  const [from, before] = [performance.now(), (await cpuMicroseconds(pid)) ?? Number.NaN];
  await wait(seconds * 1_000);
  const [took, cpu] = [performance.now() - from, ((await cpuMicroseconds(pid)) ?? Number.NaN) - before];
  const through = latencies.length;
  const { p50, p99 } = percentiles(latencies);
  state.stopped = true;
  while (state.underWay > 0) await wait(5);
  return [count(through / (took / 1_000)), p50.toFixed(2), p99.toFixed(2), (cpu / through).toFixed(1)];
}
