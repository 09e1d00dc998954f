// Reads for the Go tests: one request per line on stdin, its answer as lines on stdout.
//
//   request  {"id": 1, "reader": "duckdb", "sql": "..."} or {"id": 1, "reader": "polars", "path": "..."}
//   answer   {"columns": [{"name": "...", "type": T}]}, then {"rows": [[...], ...]} any number of times,
//            then {"done": true}; or {"error": "..."} at any point; each with the "id" of the request
//
// Each reader has a module of its own, which is loaded when it is first asked for. wire.mjs says how types and values look.
import readline from 'node:readline';
import { Answer } from './wire.mjs';

const modules = {
  duckdb: './duckdb.mjs', 'parquet-wasm': './parquetwasm.mjs', hyparquet: './hyparquet.mjs', polars: './polars.mjs',
  'apache-arrow': './arrow.mjs', clickhouse: './chdb.mjs',
};

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const request = JSON.parse(line);
  const answer = new Answer(request.id);
  try {
    if (!modules[request.reader]) throw new Error(`there is no reader ${request.reader}`);
    const { read } = await import(modules[request.reader]);
    await read(request, answer);
    await answer.flush();
    await answer.send({ done: true });
  } catch (e) {
    await answer.send({ error: String(e.message ?? e) });
  }
}
