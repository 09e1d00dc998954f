// Rust's parquet, which hands over Arrow: {"path": "…"}
import fs from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import { sendTable } from './arrow.mjs';

export async function read({ path }, answer) {
  await sendTable(tableFromIPC(readParquet(new Uint8Array(fs.readFileSync(path))).intoIPCStream()), answer);
}
