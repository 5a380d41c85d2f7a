/**
 * Text that came from others: how it is quoted in a message, shown on a terminal, clipped, and made
 * fit for the index. The one notion of a control character. Must not know what the text is for.
 *
 * @module
 */

/** Longest text that is kept in the index, in UTF-16 units. */
export const MAX_TEXT = 1024;

/**
 * Characters that show nothing and do something: controls (`Cc`), formats (`Cf`: zero width, soft
 * hyphen, bidirectional, tags) and the two separators that end a line.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const INVISIBLES = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

// What `\p{Cc}` says, spelled out: matched against every text of every listing, where the property
// takes three times as long.
// deno-lint-ignore no-control-regex -- finding them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;
const RUNS_OF_CONTROLS = /[\p{Cc}\u2028\u2029]+/gu;

const NAMED_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Whether the text has control characters: what neither a path nor a word may have. */
export function hasControls(text: string): boolean {
  return CONTROL.test(text);
}

/** Whether the text has characters that nobody sees, control characters among them. */
export function hasInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

/**
 * The text with everything escaped that could move the cursor, colour what follows, forge a line,
 * reorder it on a terminal, or hide. Inside a JSON string the escapes mean what they replace.
 */
export function escapeControls(text: string): string {
  return text.replace(INVISIBLES, (char) => NAMED_ESCAPES[char] ?? unitEscapes(char));
}

/**
 * The same of UTF-8 in pieces, a character at whose ends may be in two of them. What needs no
 * escapes, nearly all, is not made a text.
 */
export function* escapedPieces(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  // A byte order mark is a character that nobody sees, like others.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const escaped = (text: string) => new TextEncoder().encode(escapeControls(text));
  let isWithin = false;
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    if (!isWithin && isPrintableAscii(piece)) {
      yield piece;
      continue;
    }
    yield escaped(decoder.decode(piece, { stream: true }));
    isWithin = piece.at(-1)! > 0x7f;
  }
  if (isWithin) yield escaped(decoder.decode());
}

/** Whether there is nothing but what ASCII prints on one line. */
export function isPrintableAscii(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  const unaligned = -byteOffset & 3;
  if (length < unaligned) return bytes.every(isPrintable);
  const words = new Int32Array(buffer, byteOffset + unaligned, (length - unaligned) >> 2);
  for (let at = 0; at < unaligned; at++) if (!isPrintable(bytes[at]!)) return false;
  for (let at = unaligned + 4 * words.length; at < length; at++) {
    if (!isPrintable(bytes[at]!)) return false;
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    // In each byte the highest bit: of what is above ASCII, of DEL and one more, of what is less than
    // a space. A borrow or carry comes only from a byte that is found itself.
    const found = word | (word + 0x01010101) | ((word - 0x20202020) & ~word);
    if ((found & 0x80808080) !== 0) return false;
  }
  return true;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** The text on one line: each run of control characters is a space. */
export function onOneLine(text: string): string {
  return text.replace(RUNS_OF_CONTROLS, " ");
}

/** A value as a message shows it: quoted, escaped, and cut after `max` UTF-16 units. */
export function quote(value: string, max = 64): string {
  const cut = clip(value, max);
  return escapeControls(JSON.stringify(cut.length < value.length ? `${cut}…` : cut));
}

/** A path as a message shows it: whole, since its length or its end may be what is wrong. */
export function quotePath(path: string): string {
  return quote(path, 4096);
}

/** The first `max` UTF-16 units of the text, and no half of a character. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

/**
 * `text` with control characters (NUL too) and lone surrogates replaced by U+FFFD, clipped to
 * {@link MAX_TEXT}. What comes out is stored and read back as it is; text that is fit already
 * stays the same, format characters too, without which some scripts and emoji fall apart.
 */
export function storable(text: string): string {
  // Nearly every text is fit: two quick looks, no copy.
  if (text.length <= MAX_TEXT && !CONTROL.test(text) && text.isWellFormed()) return text;
  // Clip first: the cut may part a surrogate pair, which toWellFormed then mends.
  return text.slice(0, MAX_TEXT).toWellFormed().replace(CONTROLS, "\ufffd");
}

/** `\uXXXX` for each UTF-16 unit. */
function unitEscapes(char: string): string {
  let escaped = "";
  for (let i = 0; i < char.length; i++) {
    escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
