// One session shard with 1,000 slow devices, whose events do not merge since each has a link of its own: first such that
// acknowledge half a second late, each message for one of them, then such that read nothing. A fast pair is beside them.

import { LoadClient } from "../client.ts";
import { held } from "../memory.ts";
import { residentBytes } from "../processes.ts";
import { count, format } from "../table.ts";
import { wait } from "../wait.ts";
import { Bystander } from "./bystander.ts";
import { ceilingTables, measureCeiling, mebibytes, type Service } from "./ceiling.ts";
import { crowd, disperse, quiet } from "./crowd.ts";
import { Flow } from "./flow.ts";
import { droppedOf, vitalsOf } from "./vitals.ts";

const DEVICES = 1_000;
const PUBLISHERS = 10;
const ACKNOWLEDGE_AFTER_MS = 500;
const SESSION_EXPIRY_SECONDS = 3_600;
const WINDOW = 2_000;
/** To those that read nothing: enough that the system's own buffers are full in a while. */
const UNREAD_PAYLOAD = Buffer.alloc(16 * 1_024, "x");
const UNREAD_EVERY_MS = 200;
const UNREAD_SECONDS_MAX = 180;
const LOOK_MS = 5_000;
const UNREAD_TOPIC = "ceiling/unread";

export async function slowDevices(service: Service, seconds: number): Promise<string> {
  const { target } = service.fulmar;
  const late = { acknowledgeAfterMs: ACKNOWLEDGE_AFTER_MS, sessionExpirySeconds: SESSION_EXPIRY_SECONDS };
  const publishers = await crowd(target, PUBLISHERS);
  const lines = [];
  for (const [name, options] of [
    ["acknowledge at once", {}],
    ["acknowledge late", { acknowledgeAfterMs: ACKNOWLEDGE_AFTER_MS }],
    ["acknowledge late, sessions last", late],
  ] as const) {
    const topicOf = (place: number) => `ceiling/slow/${place}`;
    const devices = await crowd(target, DEVICES, options, (client, place) => client.subscribe(topicOf(place), 1));
    const senders = devices.flatMap((_, place) => {
      const client = publishers[place % PUBLISHERS];
      return client === undefined ? [] : [{ client, topic: topicOf(place) }];
    });
    const flow = new Flow({ publishers: senders, subscribers: devices, copies: 1, qos: 1 });
    const title = `${count(DEVICES)} devices that ${name}`;
    lines.push(await measureCeiling(service, title, flow, { copies: 1, window: WINDOW, seconds }));
    await disperse(devices);
  }
  await disperse(publishers);
  return `${ceilingTables(lines)}\n\n${await unread(service)}`;
}

/** Until all that read nothing are closed. */
async function unread({ fulmar, inspector }: Service): Promise<string> {
  const { target } = fulmar;
  console.error(`${count(DEVICES)} devices that read nothing`);
  const devices = await crowd(target, DEVICES, { onEnd: () => undefined }, async (client) => {
    await client.subscribe(UNREAD_TOPIC, 0);
    client.pause();
  });
  const publisher = await LoadClient.connect(target, quiet());
  const publish = publisher.publisher(UNREAD_TOPIC, 0, UNREAD_PAYLOAD);
  const bystander = await Bystander.start(target);
  const lines = [["second", "connections", "RAM MiB", "beside it p50 ms", "p99 ms"]];
  const look = async (second: number) => {
    const { "connections.count": connections = 0 } = (await fulmar.ask("/stats?aggregate=true")) as Record<
      string,
      number
    >;
    const { p50, p99 } = await bystander.beside();
    const resident = (await residentBytes(target.pid)) ?? Number.NaN;
    lines.push([second.toFixed(0), count(connections), mebibytes(resident), p50.toFixed(1), p99.toFixed(1)]);
    return connections;
  };
  const vitals = await vitalsOf(fulmar, async () => {
    const sending = setInterval(publish, UNREAD_EVERY_MS);
    const from = performance.now();
    for (let second = 0; second < UNREAD_SECONDS_MAX;) {
      await wait(LOOK_MS);
      second = (performance.now() - from) / 1_000;
      if ((await look(second)) < DEVICES) break;
    }
    clearInterval(sending);
    await wait(LOOK_MS);
    await look((performance.now() - from) / 1_000);
    return {};
  });
  await bystander.leave();
  await disperse([...devices, publisher]);
  const { resident } = await held(fulmar, inspector);
  lines.push(["behind it", "", mebibytes(resident), "", ""]);
  return `${count(DEVICES)} devices that read nothing, 5 messages of 16 KiB a second to each:\n\n${format(lines, 0)}\n\n${droppedOf(vitals)}`;
}
