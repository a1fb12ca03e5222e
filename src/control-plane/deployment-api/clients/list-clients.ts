// GET /clients: the clients of all session shards, filtered, in the order of their ids.

import { createRoute, z } from "@hono/zod-openapi";
import type { ClientFilter } from "../../../contracts/rpc.ts";
import type { Api } from "../context.ts";
import { ApiFailure, failures } from "../http/api-failure.ts";
import { ask } from "../http/ask.ts";
import { booleanQuery, metaOf, metaSchema, pageQuery } from "../http/paging.ts";
import { sessionShards } from "../http/shards.ts";
import { clientSchema, clientView } from "./client-view.ts";
import { mergeClients } from "./merge-clients.ts";

/** A page further behind would have to pass all clients before it. */
const CLIENTS_PASSED_MAX = 100_000;

const query = pageQuery.extend({
  username: z.string().optional(),
  ip_address: z.string().optional(),
  conn_state: z.enum(["connected", "idle", "disconnected"]).optional(),
  clean_start: booleanQuery.optional(),
  proto_ver: z.enum(["3", "4", "5"]).optional(),
  like_clientid: z.string().optional().openapi({ description: "A part of the client id." }),
  like_username: z.string().optional().openapi({ description: "A part of the user name." }),
});

const route = createRoute({
  method: "get",
  path: "/clients",
  tags: ["Clients"],
  summary: "List clients",
  request: { query },
  responses: {
    200: {
      description: "A page of them, in the order of client ids.",
      content: { "application/json": { schema: z.object({ data: z.array(clientSchema), meta: metaSchema }) } },
    },
    ...failures(400),
  },
});

export function addListClients(app: Api): void {
  app.openapi(route, async (context) => {
    const { page, limit, conn_state, ...wanted } = context.req.valid("query");
    if (page * limit > CLIENTS_PASSED_MAX) {
      throw new ApiFailure(400, "BAD_REQUEST", `page times limit may be ${CLIENTS_PASSED_MAX}: use a filter.`);
    }
    // A connection is never idle here: what has not sent its CONNECT is no client yet.
    if (conn_state === "idle") return context.json({ data: [], meta: metaOf(page, limit, 0) }, 200);
    const filter = filterOf(wanted, conn_state);
    const sources = sessionShards(context).map(
      (shard) => (after: string, max: number) => ask(context, () => shard.listClients(filter, after, max)),
    );
    const { clients, count } = await mergeClients(sources, (page - 1) * limit, limit);
    const data = clients.map((client) => clientView(context.env.deploymentId, client));
    return context.json({ data, meta: metaOf(page, limit, count) }, 200);
  });
}

function filterOf(
  wanted: Omit<z.infer<typeof query>, "page" | "limit" | "conn_state">,
  connState: "connected" | "disconnected" | undefined,
): ClientFilter {
  const { username, ip_address, clean_start, proto_ver, like_clientid, like_username } = wanted;
  return {
    ...(username === undefined ? {} : { username }),
    ...(connState === undefined ? {} : { connected: connState === "connected" }),
    ...(like_clientid === undefined ? {} : { likeClientId: like_clientid }),
    ...(like_username === undefined ? {} : { likeUsername: like_username }),
    ...(ip_address === undefined ? {} : { peerAddress: ip_address }),
    ...(proto_ver === undefined ? {} : { protocolVersion: Number(proto_ver) as 3 | 4 | 5 }),
    ...(clean_start === undefined ? {} : { cleanStart: clean_start }),
  };
}
