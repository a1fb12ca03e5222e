// What the manifest says of one normative statement.

/** By id: `MQTT-` is 5.0, `MQTT311-` is 3.1.1. */
export type Statements = Readonly<Record<string, Statement>>;

/** `says` is the statement in words of our own; `tests` are titles of tests, as they are written in their files. */
export type Statement = { says: string } & ({ tests: readonly string[] } | { notApplicable: string });
