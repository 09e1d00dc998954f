// Polars, of Parquet and of Arrow IPC: {"path": "…"}. It hands over Arrow, as its own JavaScript makes Dates of times.
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

export async function read({ path }, answer) {
  await sendTable(tableFromIPC(new Uint8Array(frame(fs.readFileSync(path)).writeIPC({ compression: 'uncompressed' }))), answer);
}
