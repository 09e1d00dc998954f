// How values go to Go: as JSON that loses nothing.
//
// All readers but DuckDB, which describes its own types, describe a type as {"id": …} with one of
//
//   null, bool, int, float32, float64, text, json, bytes, uuid, date (days since 1970)
//   timestamp, time: with "unit" (millis, micros, nanos) and "utc"; duration: with "unit"; decimal: with "scale"
//   list: "of" [element]; map: "of" [key, value]; struct: "of" [fields, each with a "name"]
//
// Integers and decimals, these without their point, are numbers or strings of digits; bytes and UUIDs are base64; NaN,
// infinities and -0 are strings; a map is a list of pairs, a struct a list of its fields.
import { once } from 'node:events';

export const same = (v) => v;
export const digits = (v) => v.toString();
export const float = (v) => (Object.is(v, -0) ? '-0' : Number.isFinite(v) ? v : String(v));
export const nullOr = (encode) => (v) => (v === null || v === undefined ? null : encode(v));

let chars = 0; // of texts and bytes in the line of rows that is being made
export const counted = (s) => {
  chars += s.length;
  return s;
};
export const base64 = (bytes) => counted(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'));

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
export const utf8 = (bytes) => counted(decoder.decode(bytes)); // throws where the bytes are not UTF-8

// bigEndian returns the number that bytes are in two's complement, the highest byte first.
export function bigEndian(bytes) {
  if (bytes.length === 0) throw new Error('a decimal without bytes');
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return BigInt.asIntN(8 * bytes.length, BigInt('0x' + hex));
}

// A line of rows ends at so many rows or characters.
const maxRows = 1000, maxChars = 4 << 20;

// Answer sends the lines that answer one request.
export class Answer {
  #rows = [];

  constructor(id) {
    this.id = id;
    chars = 0;
  }

  async send(line) {
    if (!process.stdout.write(JSON.stringify({ id: this.id, ...line }) + '\n')) await once(process.stdout, 'drain');
  }

  columns(columns) {
    return this.send({ columns });
  }

  // row takes a list of encoded values. Wait for what it returns, if that is anything.
  row(values) {
    this.#rows.push(values);
    if (this.#rows.length >= maxRows || chars >= maxChars) return this.flush();
  }

  async flush() {
    if (this.#rows.length) await this.send({ rows: this.#rows });
    this.#rows = [];
    chars = 0;
  }
}
