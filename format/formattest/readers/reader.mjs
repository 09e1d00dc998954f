// Answers SQL with DuckDB, for the Go tests: one request per line on stdin, its answer as lines on stdout.
//
//   request  {"id": 1, "sql": "..."}
//   answer   {"columns": [{"name": "...", "type": T}]}, then {"rows": [[...], ...]} any number of times,
//            then {"done": true}; or {"error": "..."} at any point; each with the "id" of the request
//
// T is {"id": "BIGINT"}, with "of" for the types inside: LIST [element], MAP [key, value], STRUCT [fields, each with a
// "name"]. Values lose nothing: integers over 32 bits are strings of digits, BLOB is base64, times are counted since the
// epoch in the unit of their type, NaN, infinities and -0 are strings, MAP is a list of pairs, STRUCT a list of its fields.
import readline from 'node:readline';
import { once } from 'node:events';
import { DuckDBInstance, DuckDBTypeId as Id } from '@duckdb/node-api';

const same = (v) => v;
const digits = (v) => v.toString();
const float = (v) => (Object.is(v, -0) ? '-0' : Number.isFinite(v) ? v : String(v));

// A line of rows ends at so many rows or characters of text and blobs.
const maxRows = 1000, maxChars = 4 << 20;
let chars = 0;
const counted = (s) => {
  chars += s.length;
  return s;
};

const scalars = {
  BOOLEAN: same, TINYINT: same, SMALLINT: same, INTEGER: same, UTINYINT: same, USMALLINT: same, UINTEGER: same,
  BIGINT: digits, UBIGINT: digits, HUGEINT: digits, UHUGEINT: digits, FLOAT: float, DOUBLE: float,
  VARCHAR: counted, ENUM: same, UUID: digits, DECIMAL: digits, INTERVAL: digits, SQLNULL: () => null,
  BLOB: (v) => counted(Buffer.from(v.bytes.buffer, v.bytes.byteOffset, v.bytes.byteLength).toString('base64')),
  DATE: (v) => v.days, TIME: (v) => v.micros.toString(), TIME_TZ: (v) => v.micros.toString(),
  TIMESTAMP_S: (v) => v.seconds.toString(), TIMESTAMP_MS: (v) => v.millis.toString(),
  TIMESTAMP: (v) => v.micros.toString(), TIMESTAMP_TZ: (v) => v.micros.toString(),
  TIMESTAMP_NS: (v) => v.nanos.toString(),
};

const nullOr = (encode) => (v) => (v === null || v === undefined ? null : encode(v));

// plan returns the description of a DuckDB type and the function that encodes its values.
function plan(type) {
  const id = Id[type.typeId];
  switch (id) {
    case 'LIST':
    case 'ARRAY': {
      const e = plan(type.valueType);
      return { type: { id: 'LIST', of: [e.type] }, encode: nullOr((v) => v.items.map(e.encode)) };
    }
    case 'MAP': {
      const k = plan(type.keyType), e = plan(type.valueType);
      return {
        type: { id, of: [k.type, e.type] },
        encode: nullOr((v) => v.entries.map((entry) => [k.encode(entry.key), e.encode(entry.value)])),
      };
    }
    case 'STRUCT': {
      const fields = type.entryTypes.map(plan);
      return {
        type: { id, of: fields.map((f, i) => ({ ...f.type, name: type.entryNames[i] })) },
        encode: nullOr((v) => fields.map((f, i) => f.encode(v.entries[type.entryNames[i]]))),
      };
    }
  }
  const encode = scalars[id];
  if (!encode) throw new Error(`reader.mjs cannot carry the type ${type}`);
  return { type: { id }, encode: nullOr(encode) };
}

async function send(answer) {
  if (!process.stdout.write(JSON.stringify(answer) + '\n')) await once(process.stdout, 'drain');
}

async function run(connection, { id, sql }) {
  const result = await connection.stream(sql);
  const names = result.columnNames();
  const plans = result.columnTypes().map(plan);
  await send({ id, columns: plans.map((p, i) => ({ name: names[i], type: p.type })) });
  let rows = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) break;
    const columns = plans.map((_, i) => chunk.getColumnValues(i));
    for (let r = 0; r < chunk.rowCount; r++) {
      rows.push(plans.map((p, i) => p.encode(columns[i][r])));
      if (rows.length >= maxRows || chars >= maxChars) {
        await send({ id, rows });
        rows = [];
        chars = 0;
      }
    }
  }
  if (rows.length) await send({ id, rows });
}

const instance = await DuckDBInstance.create(':memory:', {
  autoinstall_known_extensions: 'false', // it never reaches for the network
  autoload_known_extensions: 'false',
  threads: '2',
});
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const request = JSON.parse(line);
  const { id } = request;
  chars = 0;
  try {
    await run(connection, request);
    await send({ id, done: true });
  } catch (e) {
    await send({ id, error: String(e.message ?? e) });
  }
}
