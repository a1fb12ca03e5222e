// The order in which waiting messages are sent, where some topics go before others. Such a message waits under a number
// that tells its place: first the generation of the table of priorities, so that a new table turns nothing around that
// waits already; then its class, of the priority; then its arrival. It gets its number in the session's order when it is
// sent. Without priorities that is its number from the start, and comes before all of these.
//
//   generation x 2^40 + (255 - priority) x 2^32 + arrival

import type { NumberRange } from "./session-store.ts";

const ARRIVALS = 2 ** 32;
const CLASSES = 256;
/** Past it a new table counts as of the last generation: what waits may be turned around then, and nothing else. */
const GENERATIONS_MAX = 2 ** 13 - 1;

/** From here on a number is a place in the queue and none in the session's order. */
export const FIRST_PLACE = CLASSES * ARRIVALS;

/** `priority` of the first to be sent. */
export const PRIORITY_MAX = 255;

/** The priorities of topics. */
export interface QueueOrder {
  /** From 1; grows with each change of the table. */
  readonly generation: number;
  /** From 1 to 255, the higher the earlier; null: all topics are alike, and messages wait in the order of their arrival. */
  readonly priorities: ReadonlyMap<string, number> | null;
  /** Of topics that are not in the table. */
  readonly defaultPriority: number;
}

/** All topics are alike, and were from the start. */
export const inOrderOfArrival: QueueOrder = { generation: 1, priorities: null, defaultPriority: 0 };

/** Class of what waits under its number in the session's order. */
export const UNRANKED = 0;

/** Generation and priority of a topic's messages as one number: lower ones are sent first. */
export function classOf({ generation, priorities, defaultPriority }: QueueOrder, topic: string): number {
  const priority = priorities?.get(topic) ?? defaultPriority;
  return Math.min(generation, GENERATIONS_MAX) * CLASSES + PRIORITY_MAX - priority;
}

/** The class of a message that waits under number `n`. */
export function classOfNumber(n: number): number {
  return n < FIRST_PLACE ? UNRANKED : Math.floor(n / ARRIVALS);
}

/** The generation under which a message waits; 0: it waits under its number in the session's order. */
export function generationOf(n: number): number {
  return Math.floor(n / FIRST_PLACE);
}

/** The number of the `arrival`th message, of those that a session stored by class. */
export function placeOf(rank: number, arrival: number): number {
  return rank * ARRIVALS + (arrival % ARRIVALS);
}

/** The arrival of the message in place `n`. */
export function arrivalOf(n: number): number {
  return n % ARRIVALS;
}

/** The numbers of a class: of what waits under its number, those behind `sentUpTo`. */
export function numbersOf(rank: number, sentUpTo: number): NumberRange {
  if (rank === UNRANKED) return { after: sentUpTo, before: FIRST_PLACE };
  return { after: rank * ARRIVALS - 1, before: (rank + 1) * ARRIVALS };
}

/** The class that loses messages first: of the lowest priority the oldest. What waits under its number counts as lowest.
 *  There must be one. */
export function leastClass(classes: readonly number[]): number {
  return classes.reduce((least, each) => (losesBefore(each, least) ? each : least), classes[0] ?? UNRANKED);
}

function losesBefore(a: number, b: number): boolean {
  const [turnA, turnB] = [turnOf(a), turnOf(b)];
  return turnA === turnB ? a < b : turnA > turnB;
}

function turnOf(rank: number): number {
  return rank === UNRANKED ? CLASSES : rank % CLASSES;
}
