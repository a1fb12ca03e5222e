// SASLprep, RFC 4013: one form for passwords that look alike, so that keyboards and systems that write the same
// character differently let the same person in.

/** RFC 3454, C.1.2: spaces that become U+0020. */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
/** RFC 3454, B.1: what becomes nothing. */
const NOTHING = /(?:\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff)/g;
/** RFC 3454, C.2.1 to C.9: controls, private use, non-characters, surrogates, display changes, tags. The two tone marks
 *  of C.8 are gone after NFKC. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\u200e\u200f\u202a-\u202e\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** The text prepared; as it is where SASLprep would refuse it, so that any password may be used. */
export function saslPrep(text: string): string {
  const mapped = text.replace(OTHER_SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  return mapped === "" || PROHIBITED.test(mapped) ? text : mapped;
}
