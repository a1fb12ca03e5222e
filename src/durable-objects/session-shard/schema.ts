// Tables of a session shard, as an append-only list of migrations.
// Rows of a client id have its slot first, so that a slot can move; what belongs to a session hangs on its uid.

import { SLOT_PAGE_TABLE } from "../../platform/arriving-pages.ts";

export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

   -- A session is written when it has something to keep: an expiry above zero, or a subscription.
   CREATE TABLE session (
     slot INTEGER NOT NULL,
     client_id TEXT NOT NULL,
     uid INTEGER NOT NULL,
     expiry_interval INTEGER NOT NULL,
     protocol_version INTEGER NOT NULL,
     clean_start INTEGER NOT NULL,
     keep_alive INTEGER NOT NULL,
     username TEXT,
     peer_address TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     connected_at INTEGER NOT NULL,
     disconnected_at INTEGER,
     expires_at INTEGER,
     disconnect_reason TEXT,
     sent_up_to INTEGER NOT NULL DEFAULT 0,
     dropped INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (slot, client_id)
   ) WITHOUT ROWID;
   CREATE UNIQUE INDEX session_uid ON session (uid);
   CREATE INDEX session_expiry ON session (expires_at) WHERE expires_at IS NOT NULL;

   CREATE TABLE subscription (
     filter TEXT NOT NULL,
     uid INTEGER NOT NULL,
     qos INTEGER NOT NULL,
     no_local INTEGER NOT NULL,
     retain_as_published INTEGER NOT NULL,
     retain_handling INTEGER NOT NULL,
     identifier INTEGER NOT NULL,
     PRIMARY KEY (filter, uid)
   ) WITHOUT ROWID;
   CREATE INDEX subscription_uid ON subscription (uid);

   -- What the topic shards shall route here: desired state, numbered. Open while not all of them have confirmed it.
   CREATE TABLE route (
     filter TEXT PRIMARY KEY,
     number INTEGER NOT NULL,
     wanted INTEGER NOT NULL,
     confirmed INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX route_open ON route (filter) WHERE confirmed < number;

   -- A message once, and an entry for each session that is to get it.
   CREATE TABLE message (
     id INTEGER PRIMARY KEY,
     publisher INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     recipients INTEGER NOT NULL,
     packet BLOB NOT NULL
   );
   CREATE TABLE queue (
     uid INTEGER NOT NULL,
     n INTEGER NOT NULL,
     message INTEGER NOT NULL,
     qos INTEGER NOT NULL,
     retain INTEGER NOT NULL,
     identifiers TEXT NOT NULL,
     PRIMARY KEY (uid, n)
   ) WITHOUT ROWID;

   -- Users that changed while an edge may still hold what they were.
   CREATE TABLE principal_change (
     username TEXT PRIMARY KEY,
     revision INTEGER NOT NULL,
     at INTEGER NOT NULL
   ) WITHOUT ROWID;`,

  `-- Retained messages that a session has still to get for a subscription: those of a topic shard behind a topic.
   CREATE TABLE retained_read (
     uid INTEGER NOT NULL,
     filter TEXT NOT NULL,
     shard INTEGER NOT NULL,
     after TEXT NOT NULL,
     PRIMARY KEY (uid, filter, shard)
   ) WITHOUT ROWID;`,

  `-- QoS 2: what of its packet ids a session must not forget (broker/session/handshakes.ts).
   ALTER TABLE session ADD COLUMN handshakes BLOB;

   -- Messages that this shard has taken, to be routed once: those of one event for one topic shard in a row, under the
   -- sequence of the first.
   CREATE TABLE outbox (
     sequence INTEGER PRIMARY KEY,
     topic_shard INTEGER NOT NULL,
     count INTEGER NOT NULL,
     messages BLOB NOT NULL
   );

   -- The highest sequence of each origin that has come by way of each topic shard.
   CREATE TABLE origin (
     topic_shard INTEGER NOT NULL,
     origin INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     PRIMARY KEY (topic_shard, origin)
   ) WITHOUT ROWID;

   -- Wills of connected clients, and those that are to be published at a time.
   CREATE TABLE will (
     uid INTEGER PRIMARY KEY,
     client_id TEXT NOT NULL,
     delay INTEGER NOT NULL,
     due INTEGER,
     -- The client was lost by the service's own doing.
     ours INTEGER NOT NULL,
     packet BLOB NOT NULL
   );
   CREATE INDEX will_due ON will (due) WHERE due IS NOT NULL;
   CREATE INDEX will_waiting ON will (client_id) WHERE due IS NOT NULL;`,

  `-- Whether the session has the filter for itself alone: another one may not have it so meanwhile.
   ALTER TABLE subscription ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0;`,

  `-- The share of which the session has the message; '': of none.
   ALTER TABLE queue ADD COLUMN share TEXT NOT NULL DEFAULT '';`,

  `-- Wills whose time has come and for which there was no room: they are published whatever their sessions do since, in
   -- the order of their ids. uid is the publisher, as publisherOf has it.
   CREATE TABLE overdue_will (
     id INTEGER PRIMARY KEY,
     uid INTEGER NOT NULL,
     packet BLOB NOT NULL
   );`,

  `-- Slots that are closed because they leave for another shard: when, and the last message that was taken by then.
   CREATE TABLE closed_slots (
     move INTEGER PRIMARY KEY,
     slots TEXT NOT NULL,
     at INTEGER NOT NULL,
     published INTEGER NOT NULL
   );

   -- Filters of sessions that are to arrive with their slots.
   CREATE TABLE expected_filter (filter TEXT PRIMARY KEY, move INTEGER NOT NULL) WITHOUT ROWID;

   -- Of a session that has arrived: the shard whose word about a claim or a member this one takes over.
   ALTER TABLE route ADD COLUMN moved_from INTEGER;

   ${SLOT_PAGE_TABLE}`,

  `-- What events did to the queues, in rows of message-log/: entries and messages (log-row.ts), which session has which
   -- entries (index-block.ts), how many entries a message has (references.ts). What is in queue and message is older: a
   -- session's part of it moves when the session is touched. stored_as: not used.
   CREATE TABLE message_log (
     id INTEGER PRIMARY KEY,
     entries BLOB NOT NULL,
     messages BLOB NOT NULL
   );
   CREATE TABLE message_index (
     id INTEGER PRIMARY KEY,
     bytes BLOB NOT NULL
   );
   CREATE TABLE message_references (
     id INTEGER PRIMARY KEY,
     bytes BLOB NOT NULL
   );
   ALTER TABLE message ADD COLUMN stored_as INTEGER;`,

  `-- Whether the slots are closed because they arrive: then they open when they are this shard's.
   ALTER TABLE closed_slots ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0;`,
];
