// hyparquet, which is JavaScript only: {"path": "…"}
import fs from 'node:fs';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { base64, bigEndian, digits, float, nullOr, same, utf8 } from './wire.mjs';

// What it would make Dates of, or parse as JSON, comes as it is in the file.
const parsers = {
  timestampFromMilliseconds: same, timestampFromMicroseconds: same, timestampFromNanoseconds: same, dateFromDays: same,
  stringFromBytes: utf8, jsonFromBytes: utf8,
};

const units = { MILLIS: 'millis', MICROS: 'micros', NANOS: 'nanos' };

// plan returns the type of a node of the schema, as wire.mjs describes it, and what encodes its values.
//
// It takes some annotations away from the node, so that hyparquet does not make doubles of decimals, nor objects of maps,
// which lose the order and the types of their keys.
function plan(node) {
  const { element, children } = node;
  if (children.length) {
    switch (element.converted_type) {
      case 'LIST': {
        const item = plan(children[0].children[0]);
        return { type: { id: 'list', of: [item.type] }, encode: nullOr((v) => v.map(item.encode)) };
      }
      case 'MAP': {
        delete element.converted_type;
        delete element.logical_type;
        const [repeated] = children, [key, value] = repeated.children.map(plan);
        const [{ element: { name: k } }, { element: { name: v } }] = repeated.children;
        return {
          type: { id: 'map', of: [key.type, value.type] },
          encode: nullOr((m) => m[repeated.element.name].map((entry) => [key.encode(entry[k]), value.encode(entry[v])])),
        };
      }
    }
    const fields = children.map(plan), names = children.map((c) => c.element.name);
    return {
      type: { id: 'struct', of: fields.map((f, i) => ({ ...f.type, name: names[i] })) },
      encode: nullOr((v) => fields.map((f, i) => f.encode(v[names[i]]))),
    };
  }
  const [type, encode] = leaf(element);
  return { type, encode: nullOr(encode) };
}

function leaf(element) {
  const { type, converted_type: converted, logical_type: logical } = element;
  switch (logical?.type ?? converted) {
    case 'STRING':
    case 'UTF8':
    case 'ENUM':
      return [{ id: 'text' }, text];
    case 'JSON':
      element.converted_type = 'JSON'; // which it goes by
      return [{ id: 'json' }, same];
    case 'DECIMAL': {
      const scale = logical?.scale ?? element.scale ?? 0;
      delete element.converted_type;
      delete element.logical_type;
      return [{ id: 'decimal', scale }, type.endsWith('BYTE_ARRAY') ? (v) => bigEndian(v).toString() : digits];
    }
    case 'DATE':
      element.converted_type = 'DATE'; // which it goes by
      return [{ id: 'date' }, same];
    case 'TIMESTAMP':
      return [{ id: 'timestamp', unit: units[logical.unit], utc: logical.isAdjustedToUTC }, digits];
    case 'TIME':
      return [{ id: 'time', unit: units[logical.unit], utc: logical.isAdjustedToUTC }, digits];
    case 'UUID':
      return [{ id: 'uuid' }, (v) => base64(Buffer.from(v.replaceAll('-', ''), 'hex'))];
  }
  switch (type) {
    case 'BOOLEAN':
      return [{ id: 'bool' }, same];
    case 'INT32':
    case 'INT64':
      return [{ id: 'int' }, digits];
    case 'FLOAT':
      return [{ id: 'float32' }, float];
    case 'DOUBLE':
      return [{ id: 'float64' }, float];
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return [{ id: 'bytes' }, base64];
  }
  throw new Error(`hyparquet.mjs cannot carry the type ${type} of ${element.name}`);
}

const text = (v) => (typeof v === 'string' ? v : utf8(v)); // it knows no ENUM

export async function read({ path }, answer) {
  const { buffer: file } = new Uint8Array(fs.readFileSync(path)); // its own way is slow if there are many chunks
  const metadata = await parquetMetadataAsync(file);
  const { children } = parquetSchema(metadata);
  const plans = children.map(plan), names = children.map((c) => c.element.name);
  await answer.columns(plans.map((p, i) => ({ name: names[i], type: p.type })));
  for (const row of await parquetReadObjects({ file, metadata, compressors, parsers, utf8: false })) {
    const full = answer.row(plans.map((p, i) => p.encode(row[names[i]])));
    if (full) await full;
  }
}
