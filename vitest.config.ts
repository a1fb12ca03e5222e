// Four kinds of test: `unit` runs in Node without a runtime, `workerd` runs inside workerd with real objects, `e2e`
// drives the started service with real clients, `conformance` speaks bytes to a broker, statement by statement.

import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./scripts/closing-line.ts";

const inWorkerd = cloudflareTest(({ inject }) => ({
  // The Worker itself, and shards with faults beside the real ones.
  main: fileURLToPath(new URL("test/workerd/faults/worker.ts", import.meta.url)),
  wrangler: { configPath: fileURLToPath(new URL("wrangler.toml", import.meta.url)) },
  miniflare: {
    durableObjects: {
      FAULTY_SESSION_SHARD: { className: "FaultySessionShard", useSQLite: true },
      FAULTY_TOPIC_SHARD: { className: "FaultyTopicShard", useSQLite: true },
      FAULTY_DEPLOYMENT: { className: "FaultyDeploymentObject", useSQLite: true },
    },
    bindings: {
      DATABASE_URL: inject<string>("databaseUrl"),
      DATABASE_PROXY: inject<string>("databaseProxy"),
      BETTER_AUTH_SECRET: "a secret for tests alone, 32 bytes or more",
      DEPLOYMENT_ID_KEY: "a key for tests alone, 32 bytes or more",
    },
  },
}));

/** `shards`: of each kind, of the deployments that the tests talk to. `evictions`: these lose their memory whenever a test
 *  has received what it awaited. */
function conformance(
  name: string,
  { order, shards, evictions }: { order: number; shards: number; evictions: boolean },
) {
  return {
    test: {
      name,
      include: ["test/conformance/**/*.test.ts"],
      environment: "node" as const,
      env: { CONFORMANCE_SHARDS: String(shards), CONFORMANCE_EVICTIONS: evictions ? "1" : "0" },
      globalSetup: ["test/conformance/harness/global-setup.ts"],
      testTimeout: evictions ? 120_000 : 30_000,
      maxConcurrency: 16,
      isolate: false,
      // An object that is to be evicted is waited for until it is idle.
      ...(evictions ? { maxWorkers: 3 } : {}),
      // Tests mostly wait, and share nothing but the broker.
      sequence: { groupOrder: order, concurrent: true },
    },
  };
}

const ALONE = "test/e2e/alone/**/*.test.ts";

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          environment: "node",
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [inWorkerd],
        test: {
          name: "workerd",
          // Tests share nothing but the runtime, whose start takes longer than most of them: each has objects of its own.
          isolate: false,
          maxWorkers: 2,
          include: ["test/workerd/**/*.test.ts"],
          sequence: { groupOrder: 2 },
          globalSetup: ["scripts/postgres/test-setup.ts"],
          // Bundled as wrangler bundles it, with the alias of wrangler.toml.
          deps: { optimizer: { ssr: { enabled: true, include: ["mqtt-packet"] } } },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: [ALONE],
          environment: "node",
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Tests mostly wait for processes that start and end.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      // They measure times: each has the whole machine.
      {
        test: {
          name: "alone",
          include: [ALONE],
          environment: "node",
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      conformance("conformance", { order: 5, shards: 1, evictions: false }),
      // Not where BROKER_URL names the broker: its shards are as they are.
      conformance("conformance-shards", { order: 6, shards: 4, evictions: false }),
      // EVICTION_SHARDS=1: with one of each kind, which takes as long again.
      conformance("conformance-evictions", {
        order: 7,
        shards: Number(process.env["EVICTION_SHARDS"] ?? 4),
        evictions: true,
      }),
    ],
  },
});
