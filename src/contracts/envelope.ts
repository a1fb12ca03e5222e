// A batch between two shards as bytes: a header, then entries. One ordered stream of them runs each way between a
// session shard and a topic shard; everything that one tells the other travels in it. Version 1; integers big-endian.
//
//   header   u8 version, u8 flags, u16 sender's index, u32 sender's incarnation, f64 sequence, f64 base, u32 receiver,
//            f64 answered
//            `base` is the lowest sequence that was not answered when this was sent: a receiver that knows nothing of
//            the sender (it was reset) begins there. `receiver` is the incarnation that the sender takes the receiver
//            to have, 0 if it knows none: any other applies nothing and answers "reset". `answered` is the last batch of
//            the stream the other way that was done, as an answer that travels along; 0: none, or told already.
//   entry    u8 type, then
//     1 publish         session -> topic   u32 number, f64 publisher, f64 expiresAt, u32 length, packet
//     2 route request   session -> topic   u32 length, JSON RouteRequest
//     3 retained        session -> topic   u32 length, JSON RetainedRequest
//     4 once            session -> topic   f64 sequence, then as publish
//     5 returned        session -> topic   f64 sequence, u16 length, share, then as publish
//     6 load            session -> topic   f64 member, u32 last turn, u32 messages
//     16 message        topic -> session   f64 publisher, f64 expiresAt, u32 length, packet
//     17 retained       topic -> session   f64 session, u16 length, filter, f64 expiresAt, u32 length, packet
//     18 routed         topic -> session   u32 first number, u32 count, u8 reason code
//     19 route stored   topic -> session   u32 request, u8 accepted
//     20 retained page  topic -> session   u32 length, JSON RetainedPage
//     21 own message    topic -> session   u32 number, f64 publisher, f64 expiresAt, u32 length, packet
//     22 once           topic -> session   u16 origin, f64 sequence, then as message
//     23 shared         topic -> session   f64 member, u32 turn, u16 length, share, f64 sequence, then as message
//
// A packet is a normalised MQTT 5.0 PUBLISH. `publisher` is a number of the client it came from (publisherOf), 0 for the API.
// `number` is 0 when nobody waits for the outcome. `expiresAt` is in epoch milliseconds, 0 for never. An own message is the
// receiver's publish of that number, which no other shard wants: it has its outcome when the receiver has it safe.
// A message that is to come once carries the index of the session shard that took it, its origin, and its sequence there:
// a receiver that has a higher one of that origin by way of this topic shard has had it. A shared message is for one
// member of a share's group, a session by its uid; its sequence is the topic shard's own, 0: it may come twice. `turn`
// counts what the topic shard gave that member; where it is not 0, it wants to be told how many messages the member has at
// hand, and up to which turn that counts. A returned message is one that another member is to get.

export interface EnvelopeHeader {
  sender: number;
  incarnation: number;
  sequence: number;
  base: number;
  /** Incarnation of the receiver that this is meant for; 0: any. */
  receiver: number;
  /** All batches of the receiver's own stream to the sender up to this one are done; 0: nothing is said of them. */
  answered: number;
  /** This call is the last that may be outstanding: the receiver writes instead of waiting for acknowledgements. */
  writeAtOnce: boolean;
}

/** What a session shard asks of a topic shard about one filter: desired state, numbered, so that old news are known. */
export interface RouteRequest {
  /** Names the request in its answer. */
  request: number;
  /** A filter, whose messages are wanted; or a claim to have one exclusively, which is refused while another shard has it;
   *  or a member's part in a share. */
  filter: string;
  /** Grows with each change that this session shard makes to any route. */
  number: number;
  wanted: boolean;
  /** Of a member: whether it is connected. */
  online?: boolean;
  /** Session that shall get the matching retained messages; null: none are wanted. */
  retainedFor: number | null;
  /** How many of them it takes at once. */
  retainedLimit: number;
  /** As in RetainedRequest. */
  notFrom?: number | undefined;
  /** Of a claim or a member: the session shard whose word this one takes over, since the session has moved. */
  movedFrom?: number | undefined;
}

/** Asks for the next retained messages of a subscription, of which not all could be taken at once. */
export interface RetainedRequest {
  session: number;
  filter: string;
  /** Those behind this topic. */
  after: string;
  /** As many as the session takes now; 0: it wants no more, ever. */
  limit: number;
  /** Not those of this publisher. */
  notFrom?: number | undefined;
}

/** Stands behind retained messages when others are still to come, and behind the last of those. */
export interface RetainedPage {
  session: number;
  filter: string;
  /** Topic behind which it begins, as it was asked for; "" for the first. */
  from: string;
  /** Topic up to which they are sent. */
  after: string;
  more: boolean;
}

/** Names a message that is to come once. */
export interface Origin {
  /** Index of the session shard that took it. */
  readonly shard: number;
  /** Grows with each that it takes. */
  readonly sequence: number;
}

/** Stands for the topic shard itself where a message's origin is named: of shared messages. */
export const sharedOrigin = 0xffff;

/** For which member of a share's group a message is. */
export interface SharedWith {
  /** Uid of the session. */
  readonly uid: number;
  readonly share: string;
  /** Counts what this member was given; 0: nobody asks how much it has at hand. */
  readonly turn: number;
}

/** Entries of one batch, in their order. Views into the envelope: copy what outlives the call. */
export interface EntryVisitor {
  publish?(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  routeRequest?(request: RouteRequest): void;
  retainedRequest?(request: RetainedRequest): void;
  message?(publisher: number, expiresAt: number, packet: Uint8Array): void;
  retained?(session: number, filter: string, expiresAt: number, packet: Uint8Array): void;
  routed?(first: number, count: number, reasonCode: number): void;
  routeStored?(request: number, accepted: boolean): void;
  retainedPage?(page: RetainedPage): void;
  ownMessage?(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  publishOnce?(sequence: number, number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  messageOnce?(origin: Origin, publisher: number, expiresAt: number, packet: Uint8Array): void;
  shared?(member: SharedWith, sequence: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  returned?(
    sequence: number,
    share: string,
    number: number,
    publisher: number,
    expiresAt: number,
    packet: Uint8Array,
  ): void;
  load?(uid: number, turn: number, messages: number): void;
}
