// Tables of a Deployment object, as an append-only list of migrations. The tombstone stands beside them: it is all that
// is left of a deleted deployment (erasure.ts).

export const migrations: readonly string[] = [
  `-- deployment: its id; config: JSON; revision: counter of changes to users.
   CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

   -- Every shard that was ever told of: the config version that it has confirmed, 0 for none.
   CREATE TABLE shard (
     kind TEXT NOT NULL,
     number INTEGER NOT NULL,
     version INTEGER NOT NULL DEFAULT 0,
     erased INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (kind, number)
   ) WITHOUT ROWID;

   CREATE TABLE user (
     username TEXT PRIMARY KEY,
     is_superuser INTEGER NOT NULL,
     verifier TEXT NOT NULL
   ) WITHOUT ROWID;

   -- Changes of users that not every session shard has confirmed yet.
   CREATE TABLE user_change (
     username TEXT PRIMARY KEY,
     revision INTEGER NOT NULL,
     removed INTEGER NOT NULL
   ) WITHOUT ROWID;

   CREATE TABLE api_key (
     key TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     verifier TEXT NOT NULL
   ) WITHOUT ROWID;`,

  `-- Slots that move now, one row at most: from which shard to which, and how far that is.
   CREATE TABLE slot_move (
     id INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     from_shard INTEGER NOT NULL,
     to_shard INTEGER NOT NULL,
     slots TEXT NOT NULL,
     phase TEXT NOT NULL,
     pages INTEGER NOT NULL
   );`,

  `-- Where the next page begins that is to be copied.
   ALTER TABLE slot_move ADD COLUMN next TEXT;`,
];
