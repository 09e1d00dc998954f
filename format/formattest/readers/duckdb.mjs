// DuckDB: {"sql": "…"}
import { DuckDBInstance, DuckDBTypeId as Id } from '@duckdb/node-api';
import { base64, counted, digits, float, nullOr, same } from './wire.mjs';

// The type of a column is {"id": "BIGINT"}, with "of" for the types inside: LIST [element], MAP [key, value], STRUCT
// [fields, each with a "name"]. Times are counted in the unit of their type since the epoch, or midnight.
const scalars = {
  BOOLEAN: same, TINYINT: same, SMALLINT: same, INTEGER: same, UTINYINT: same, USMALLINT: same, UINTEGER: same,
  BIGINT: digits, UBIGINT: digits, HUGEINT: digits, UHUGEINT: digits, FLOAT: float, DOUBLE: float,
  VARCHAR: counted, ENUM: same, UUID: digits, DECIMAL: digits, INTERVAL: digits, SQLNULL: () => null,
  BLOB: (v) => base64(v.bytes),
  DATE: (v) => v.days, TIME: (v) => v.micros.toString(), TIME_TZ: (v) => v.micros.toString(),
  TIME_NS: (v) => v.nanos.toString(),
  TIMESTAMP_S: (v) => v.seconds.toString(), TIMESTAMP_MS: (v) => v.millis.toString(),
  TIMESTAMP: (v) => v.micros.toString(), TIMESTAMP_TZ: (v) => v.micros.toString(),
  TIMESTAMP_NS: (v) => v.nanos.toString(),
};

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
  if (!encode) throw new Error(`duckdb.mjs cannot carry the type ${type}`);
  return { type: type.alias ? { id, alias: type.alias } : { id }, encode: nullOr(encode) };
}

const instance = await DuckDBInstance.create(':memory:', {
  autoinstall_known_extensions: 'false', // it never reaches for the network
  autoload_known_extensions: 'false',
  threads: '2',
});
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");
await connection.run('SET enable_external_file_cache = false'); // files are written anew under the same name, soon after

export async function read({ sql }, answer) {
  const result = await connection.stream(sql);
  const names = result.columnNames();
  const plans = result.columnTypes().map(plan);
  await answer.columns(plans.map((p, i) => ({ name: names[i], type: p.type })));
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) break;
    const columns = plans.map((_, i) => chunk.getColumnValues(i));
    for (let r = 0; r < chunk.rowCount; r++) {
      const full = answer.row(plans.map((p, i) => p.encode(columns[i][r])));
      if (full) await full;
    }
  }
}
