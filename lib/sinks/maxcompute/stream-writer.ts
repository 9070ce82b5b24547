import type { Client } from '../../clients/maxcompute/client.ts';
import { compress } from '../../clients/maxcompute/compress.ts';
import { openStream, type Stream } from '../../clients/maxcompute/stream.ts';
import { DataError, RetriableError } from '../../core/errors.ts';
import { toConnectorError, toSessionError } from './classification.ts';
import { encode } from './encode.ts';
import type { Options } from './options.ts';
import type { Plan } from './plan.ts';
import type { Tables } from './tables.ts';
import type { Group, WriteGroup } from './write.ts';

/** How long a stream is used: then it sees what became of the table. */
const maxStreamAgeMs = 300_000;

/** A stream, and how rows have to look that it takes: it keeps to the columns that the table had when it was opened. */
interface Planned {
  readonly stream: Stream;
  readonly plan: Plan;
}

interface Open {
  readonly opening: Promise<Planned>;
  readonly since: number;
}

interface StreamWriterOptions {
  readonly client: Client;
  readonly config: Options;
  readonly tables: Tables;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Writes groups through streams, which are kept for the next batch: rows are there with the answer. */
export function streamWriter({ client, config, tables, now }: StreamWriterOptions): WriteGroup {
  const streams = new Map<string, Open>(); // the one used last comes last

  const known = (group: Group): Open | undefined => {
    const open = streams.get(nameOf(group));
    return open !== undefined && now() - open.since < maxStreamAgeMs ? open : undefined;
  };
  const streamTo = (group: Group, signal: AbortSignal): Open => {
    const name = nameOf(group);
    const open = known(group) ?? { opening: planned(group, signal), since: now() };
    streams.delete(name);
    streams.set(name, open);
    open.opening.catch(() => forget(group, open));
    for (const oldest of streams.keys()) {
      if (streams.size <= config.maxSessions) break;
      streams.delete(oldest);
    }
    return open;
  };
  const planned = async ({ table, partition }: Group, signal: AbortSignal): Promise<Planned> => {
    const target = { schema: config.schema, table, partition, createPartition: config.createPartitions };
    const stream = await openStream(client, target, signal);
    return { stream, plan: await tables.planOf(table, stream.schema, undefined) };
  };
  const forget = (group: Group, open: Open | undefined): void => {
    if (streams.get(nameOf(group)) === open) streams.delete(nameOf(group));
  };

  /** Encodes a group as its stream wants it. What is refused has been held against the table as it is now. */
  const encoded = async (group: Group, signal: AbortSignal) => {
    const { table, records } = group;
    const open = known(group);
    let plan = open === undefined ? await tables.plan(table, signal) : (await open.opening).plan;
    let rows = encode(records, plan, config.blockBytes);
    if (rows.refused.size > 0) {
      const today = await tables.planOfToday(table, signal);
      const accepts = today.plan !== plan && encode([...rows.refused.keys()], today.plan, config.blockBytes).bodies.length > 0;
      if (accepts && (open === undefined || open.since < today.asOf)) {
        forget(group, open);
        plan = today.plan;
        rows = encode(records, plan, config.blockBytes);
      }
    }
    if (rows.bodies.length === 0) return { rows, plan };
    const own = (await streamTo(group, signal).opening).plan;
    return own === plan ? { rows, plan } : { rows: encode(records, own, config.blockBytes), plan: own };
  };

  return async (group, signal, settle) => {
    let open: Open | undefined;
    try {
      const { rows, plan } = await encoded(group, signal);
      for (const [record, error] of rows.refused) settle([record], error);
      for (const body of rows.bodies) {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        open = streamTo(group, signal);
        const { stream, plan: own } = await open.opening;
        if (own.signature !== plan.signature)
          throw new RetriableError('SINK_TABLE_CHANGED', 'The table was changed while rows were written, and is looked up again');
        const sent = await compress(body.rows, config.compression);
        await stream.write(sent, { rows: body.records.length, compression: config.compression, signal });
        settle(body.records, 'delivered');
        if (stream.isStale) forget(group, open);
      }
    } catch (error) {
      const failure = open === undefined ? toConnectorError(error, signal) : toSessionError(error, signal, config);
      // A stream that was throttled, or refused what a record holds, can be used again; any other may be what failed.
      if (failure.code !== 'SINK_THROTTLED' && !(failure instanceof DataError)) forget(group, open);
      if (failure.code === 'SINK_TABLE_CHANGED') tables.forget(group.table);
      throw failure;
    }
  };
}

function nameOf({ table, partition }: Group): string {
  return `${table}/${partition ?? ''}`;
}
