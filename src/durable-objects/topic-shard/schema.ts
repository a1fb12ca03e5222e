// Tables of a topic shard, as an append-only list of migrations.
// Rows of a topic or filter have its slot first, so that a slot can move; -1 is the slot of filters that stand in every
// topic shard.

import { SLOT_PAGE_TABLE } from "../../platform/arriving-pages.ts";

export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

   -- Which session shards want the messages of a filter; number is the session shard's own.
   CREATE TABLE route (
     slot INTEGER NOT NULL,
     filter TEXT NOT NULL,
     shard INTEGER NOT NULL,
     number INTEGER NOT NULL,
     PRIMARY KEY (slot, filter, shard)
   ) WITHOUT ROWID;

   CREATE TABLE retained (
     slot INTEGER NOT NULL,
     topic TEXT NOT NULL,
     expires_at INTEGER NOT NULL,
     packet BLOB NOT NULL,
     PRIMARY KEY (slot, topic)
   ) WITHOUT ROWID;
   CREATE INDEX retained_topic ON retained (topic);

   -- Messages that a session shard could not be given; in the order of their ids.
   CREATE TABLE outbox (
     shard INTEGER NOT NULL,
     id INTEGER NOT NULL,
     publisher INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     packet BLOB NOT NULL,
     PRIMARY KEY (shard, id)
   ) WITHOUT ROWID;`,

  `-- Of a message that is to come once: the session shard that took it and its sequence there; sequence 0: of no such.
   ALTER TABLE outbox ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE outbox ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;`,

  `-- Which session shard has a filter exclusively, for one of its sessions; number is the session shard's own.
   CREATE TABLE claim (
     slot INTEGER NOT NULL,
     filter TEXT NOT NULL,
     shard INTEGER NOT NULL,
     number INTEGER NOT NULL,
     PRIMARY KEY (slot, filter)
   ) WITHOUT ROWID;`,

  `-- Members of the groups of shared subscriptions: sessions, by uid, and whether their clients are connected. number is
   -- their session shard's own.
   CREATE TABLE member (
     slot INTEGER NOT NULL,
     filter TEXT NOT NULL,
     grp TEXT NOT NULL,
     uid INTEGER NOT NULL,
     shard INTEGER NOT NULL,
     number INTEGER NOT NULL,
     online INTEGER NOT NULL,
     PRIMARY KEY (slot, filter, grp, uid)
   ) WITHOUT ROWID;

   -- Messages of groups of which no member is connected; in the order of their ids.
   CREATE TABLE group_message (
     slot INTEGER NOT NULL,
     filter TEXT NOT NULL,
     grp TEXT NOT NULL,
     id INTEGER NOT NULL,
     publisher INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     packet BLOB NOT NULL,
     PRIMARY KEY (slot, filter, grp, id)
   ) WITHOUT ROWID;

   -- The highest sequence of each session shard of which a message that is to come once was given to a group.
   CREATE TABLE group_origin (origin INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);

   -- The member of a share that a message is for; share '': it is for all who subscribe.
   ALTER TABLE outbox ADD COLUMN uid INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE outbox ADD COLUMN share TEXT NOT NULL DEFAULT '';`,

  `-- The client that published it, as a number; 0: none, or it is not known.
   ALTER TABLE retained ADD COLUMN publisher INTEGER NOT NULL DEFAULT 0;`,

  SLOT_PAGE_TABLE,
];
