import type { Client } from '../../clients/maxcompute/client.ts';
import { compress } from '../../clients/maxcompute/compress.ts';
import { openStream, type Stream } from '../../clients/maxcompute/stream.ts';
import { RetriableError } from '../../core/errors.ts';
import { toConnectorError } from './classification.ts';
import { encode } from './encode.ts';
import type { Options } from './options.ts';
import type { Tables } from './tables.ts';
import type { WriteGroup } from './write.ts';

/** How long a stream is used: then it sees what became of the table. */
const maxStreamAgeMs = 300_000;

interface Open {
  readonly stream: Promise<Stream>;
  readonly since: number;
}

/** Writes groups through streams, which are kept for the next batch: rows are there with the answer. */
export function streamWriter({
  client,
  config,
  tables,
  now,
}: {
  client: Client;
  config: Options;
  tables: Tables;
  now: () => number;
}): WriteGroup {
  const streams = new Map<string, Open>(); // the one used last comes last

  const streamTo = (table: string, partition: string | undefined, signal: AbortSignal): Promise<Stream> => {
    const name = `${table}/${partition ?? ''}`;
    const known = streams.get(name);
    streams.delete(name);
    const target = { schema: config.schema, table, partition, createPartition: config.createPartitions };
    const isFresh = known !== undefined && now() - known.since < maxStreamAgeMs;
    const open = isFresh ? known : { stream: openStream(client, target, signal), since: now() };
    streams.set(name, open);
    open.stream.catch(() => forget(name, open));
    for (const oldest of streams.keys()) {
      if (streams.size <= config.maxSessions) break;
      streams.delete(oldest);
    }
    return open.stream;
  };
  const forget = (name: string, open: Open | undefined): void => {
    if (streams.get(name) === open) streams.delete(name);
  };

  return async ({ table, partition, records }, signal, settle) => {
    const name = `${table}/${partition ?? ''}`;
    let encoded = encode(records, await tables.plan(table, signal), config.blockBytes);
    if (encoded.bodies.length > 0) {
      const before = await tables.plan(table, signal);
      const plan = await tables.planOf(table, (await streamTo(table, partition, signal)).schema, undefined);
      if (plan !== before) encoded = encode(records, plan, config.blockBytes);
    }
    for (const [record, error] of encoded.refused) settle([record], error);
    for (const body of encoded.bodies) {
      const open = streams.get(name);
      try {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        const stream = await (open?.stream ?? streamTo(table, partition, signal));
        const sent = await compress(body.rows, config.compression);
        await stream.write(sent, { rows: body.records.length, compression: config.compression, signal });
        settle(body.records, 'delivered');
        if (stream.isStale) forget(name, open);
      } catch (error) {
        const failure = toConnectorError(error, signal);
        // A stream that was only throttled can be used again; any other may be what failed.
        if (failure.code !== 'SINK_THROTTLED') forget(name, open);
        if (failure.code === 'SINK_TABLE_CHANGED') tables.forget(table);
        throw failure;
      }
    }
  };
}
