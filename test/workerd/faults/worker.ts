// The Worker that tests run in: the real one's objects and entry, and the shards with faults beside them.

export { Deployment, SessionShard, TopicShard } from "../../../src/worker/index.ts";
// oxlint-disable-next-line import/no-default-export -- a Worker has one.
export { default } from "../../../src/worker/index.ts";
export { FaultyDeploymentObject, FaultySessionShard, FaultyTopicShard } from "./faulty-shards.ts";
