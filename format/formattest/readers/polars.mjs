// Polars, of Parquet and of Arrow IPC: {"path": "…"}, or of folders of Parquet files: {"path": "…/**/*.parquet", "folders":
// ["the name of each name=value folder"]}, whose values it takes for text. It hands over Arrow, as its own JavaScript makes Dates of times.
import fs from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import pl from 'nodejs-polars';
import { sendTable } from './arrow.mjs';

// It takes a name for a path by its suffix only, so it gets what is in the file.
function frame(file) {
  switch (true) {
    case file.subarray(0, 4).toString() === 'PAR1':
      return pl.readParquet(file);
    case file.subarray(0, 6).toString() === 'ARROW1':
      return pl.readIPC(file);
  }
  return pl.readIPCStream(file);
}

async function scan(glob, folders) {
  const hiveSchema = Object.fromEntries(folders.map((name) => [name, pl.Utf8]));
  return pl.scanParquet(glob, { hivePartitioning: true, hiveSchema, tryParseHiveDates: false }).collect();
}

export async function read({ path, folders }, answer) {
  if (folders) {
    const table = await scan(path, folders);
    await sendTable(tableFromIPC(new Uint8Array(table.writeIPC({ compression: 'uncompressed' }))), answer);
    return;
  }
  await sendTable(tableFromIPC(new Uint8Array(frame(fs.readFileSync(path)).writeIPC({ compression: 'uncompressed' }))), answer);
}
