// ClickHouse, in this process: {"sql": "…", "path": "the folder from which it finds files, by relative names"}
//
// All values come as text, in UTF-8.
import chdb from 'chdb';
import { counted, nullOr } from './wire.mjs';

const text = nullOr((v) => counted(typeof v === 'string' ? v : JSON.stringify(v)));

export async function read({ sql, path }, answer) {
  process.chdir(path); // it reads no files but those below the working folder
  const [names, , ...rows] = chdb.query(sql, 'JSONCompactEachRowWithNamesAndTypes').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  await answer.columns(names.map((name) => ({ name, type: { id: 'text' } })));
  for (const row of rows) {
    const full = answer.row(row.map(text));
    if (full) await full;
  }
}
