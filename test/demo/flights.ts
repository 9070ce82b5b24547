import { zstdDecompressSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { datasetFile, type NewRecord } from './quakes.ts';

const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/** Three million flights within the United States (package vega-datasets), in batches; the key is the airport of origin. */
export async function* flights(batchSize = 5_000): AsyncGenerator<readonly NewRecord[]> {
  const file = await asyncBufferFromFile(datasetFile('flights-3m.parquet'));
  const metadata = await parquetMetadataAsync(file);
  const rows = Number(metadata.num_rows);
  let group = 0;
  for (let start = 0; start < rows; ) {
    const end = Math.min(rows, start + Number(metadata.row_groups[group++]?.num_rows ?? rows));
    const read = await parquetReadObjects({ file, metadata, compressors, rowStart: start, rowEnd: end });
    for (let from = 0; from < read.length; from += batchSize) yield read.slice(from, from + batchSize).map(toRecord);
    start = end;
  }
}

function toRecord(row: Readonly<Record<string, unknown>>): NewRecord {
  const text = JSON.stringify(row, (_, field: unknown) => (typeof field === 'bigint' ? Number(field) : field));
  return { key: String(row['origin']), value: Buffer.from(text), timestamp: Date.now() };
}
