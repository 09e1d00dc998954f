// Arrow's own JavaScript, of IPC files and streams: {"path": "…"}. Other readers that hand over Arrow use sendTable.
import fs from 'node:fs';
import { Binary, BinaryView, CompressionType, LargeBinary, TimeUnit, Type, Vector, compressionRegistry, tableFromIPC }
  from 'apache-arrow';
import { decompressLz4Raw, decompressZstd } from 'hyparquet-compressors';
import { base64, digits, float, same, utf8 } from './wire.mjs';

const units = {
  [TimeUnit.SECOND]: 'seconds', [TimeUnit.MILLISECOND]: 'millis', [TimeUnit.MICROSECOND]: 'micros',
  [TimeUnit.NANOSECOND]: 'nanos',
};

// A plan has the type of a field, as wire.mjs describes it, and get, which encodes value i of its data.
//
// Values that Arrow's getters would make doubles of, as times and dates, are taken from the buffers.
function plan(field) {
  const { type } = field;
  const [own, get] = bare(type);
  const extension = { 'arrow.uuid': 'uuid', 'arrow.json': 'json' }[field.metadata.get('ARROW:extension:name')];
  return {
    type: extension ? { id: extension } : own,
    get: (data, i) => (data.getValid(i) ? get(data, i) : null),
  };
}

function bare(type) {
  const { unit } = type;
  switch (type.typeId) {
    case Type.Null:
      return [{ id: 'null' }, () => null];
    case Type.Bool:
      return [{ id: 'bool' }, by(same)];
    case Type.Int:
      return [{ id: 'int' }, by(digits)];
    case Type.Float:
      return [{ id: type.precision === 1 ? 'float32' : 'float64' }, by(float)];
    case Type.Utf8:
      return [{ id: 'text' }, by(utf8, new Binary())]; // as bytes, or wrong UTF-8 would look like U+FFFD
    case Type.LargeUtf8:
      return [{ id: 'text' }, by(utf8, new LargeBinary())];
    case Type.Utf8View:
      return [{ id: 'text' }, by(utf8, new BinaryView())];
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return [{ id: 'bytes' }, by(base64)];
    case Type.Date:
      if (type.unit !== 0) throw new Error('arrow.mjs cannot carry dates in milliseconds');
      return [{ id: 'date' }, (data, i) => data.values[i]];
    case Type.Timestamp:
      return [{ id: 'timestamp', unit: units[unit], utc: Boolean(type.timezone) }, counter];
    case Type.Time:
      return [{ id: 'time', unit: units[unit] }, counter];
    case Type.Duration:
      return [{ id: 'duration', unit: units[unit] }, counter];
    case Type.Decimal:
      return [{ id: 'decimal', scale: type.scale }, decimal];
    case Type.List:
    case Type.LargeList: {
      const element = plan(type.children[0]);
      return [{ id: 'list', of: [element.type] }, (data, i) => items(data, i, element.get)];
    }
    case Type.Map: {
      const [key, value] = type.children[0].type.children.map(plan);
      const pair = (entries, j) => [key.get(entries.children[0], j), value.get(entries.children[1], j)];
      return [{ id: 'map', of: [key.type, value.type] }, (data, i) => items(data, i, pair)];
    }
    case Type.Struct: {
      const fields = type.children.map(plan);
      return [
        { id: 'struct', of: fields.map((f, j) => ({ ...f.type, name: type.children[j].name })) },
        (data, i) => fields.map((f, j) => f.get(data.children[j], i)),
      ];
    }
  }
  throw new Error(`arrow.mjs cannot carry the type ${type}`);
}

const vectors = new WeakMap(); // of the data that values were taken of

// by encodes what Arrow's own getters return, of the same buffers as another type if one is given.
const by = (encode, type) => (data, i) => {
  let vector = vectors.get(data);
  if (!vector) vectors.set(data, (vector = new Vector([type ? data.clone(type) : data])));
  return encode(vector.get(i));
};

const counter = (data, i) => data.values[i].toString();

function decimal(data, i) {
  let v = 0n;
  for (let word = data.stride - 1; word >= 0; word--) v = (v << 32n) | BigInt(data.values[i * data.stride + word]);
  return BigInt.asIntN(32 * data.stride, v).toString();
}

function items(data, i, get) {
  const child = data.children[0], list = [];
  for (let j = Number(data.valueOffsets[i]); j < Number(data.valueOffsets[i + 1]); j++) list.push(get(child, j));
  return list;
}

export async function sendTable(table, answer) {
  const plans = table.schema.fields.map(plan);
  await answer.columns(plans.map((p, i) => ({ name: table.schema.fields[i].name, type: p.type })));
  for (const batch of table.batches) {
    for (let r = 0; r < batch.numRows; r++) {
      const full = answer.row(plans.map((p, c) => p.get(batch.data.children[c], r)));
      if (full) await full;
    }
  }
}

// lz4 takes apart what https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md describes, as long as blocks do not
// refer to each other. All blocks but the last have the full size; behind the last there may be too many zeros.
function lz4(frame) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const flags = frame[4], size = 1 << (8 + 2 * ((frame[5] >> 4) & 7));
  if (view.getUint32(0, true) !== 0x184d2204 || !(flags & 0x20)) throw new Error('not LZ4 of independent blocks');
  const blocks = [];
  for (let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0); ; ) {
    const word = view.getUint32(at, true), length = word & 0x7fffffff;
    if (word === 0) return Buffer.concat(blocks);
    const block = frame.subarray(at + 4, at + 4 + length);
    blocks.push(word >>> 31 ? block : decompressLz4Raw(block, size));
    at += 4 + length + (flags & 0x10 ? 4 : 0);
  }
}

// Of copies, which begin at an address where numbers of 64 bits may.
compressionRegistry.set(CompressionType.ZSTD, { decode: (data) => new Uint8Array(decompressZstd(data)) });
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: (data) => new Uint8Array(lz4(data)) });

export async function read({ path }, answer) {
  await sendTable(tableFromIPC(new Uint8Array(fs.readFileSync(path))), answer); // a copy, as files are read to any address
}
