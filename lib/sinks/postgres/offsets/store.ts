import { ConfigError } from '../../../core/errors.ts';
import { qualified } from '../catalog.ts';
import type { Database, Statement } from '../database.ts';
import { sqlState } from '../errors.ts';
import type { Options } from '../options.ts';
import { arrayText } from '../sql.ts';
import type { Position, Range } from './position.ts';

/** The partition of a topic in one of its lives. */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}

export function laneName({ topic, partition, epoch }: Lane): string {
  return `${topic}\0${partition}\0${epoch}`;
}

export interface OffsetStore {
  /** The positions by name of the lane, each locked until the transaction ends. A lane that was never written has none. */
  lock(inside: Database, target: string, lanes: readonly Lane[], signal: AbortSignal): Promise<ReadonlyMap<string, Position>>;
  save(inside: Database, target: string, positions: readonly (readonly [Lane, Position])[], signal: AbortSignal): Promise<void>;
  /** Throws a ConfigError when the table is missing or cannot be read. */
  check(database: Database, signal: AbortSignal): Promise<void>;
  create(database: Database, signal: AbortSignal): Promise<void>;
}

/** The table of offsets is not there. */
export class OffsetsMissing extends Error {}

const definition =
  'connector text, target text, topic text, "partition" integer, epoch integer, "offset" bigint, part integer, gaps text, refused text, "timestamp" bigint, newest bigint, updated_at timestamp with time zone default now(), primary key (connector, target, topic, "partition", epoch)';

export function offsetStore(config: Options, connector: string): OffsetStore {
  const name = config.offsets?.table ?? 'sluice_offsets';
  const table = qualified({ table: name, schema: config.schema });
  const laneValues = (target: string, lanes: readonly Lane[]): string[] => [
    connector,
    target,
    arrayText(lanes, false, ({ topic }) => topic),
    arrayText(lanes, true, ({ partition }) => partition),
    arrayText(lanes, true, ({ epoch }) => epoch),
  ];
  const given = 'unnest($3::text[], $4::int4[], $5::int4[])';

  const read = async (inside: Database, values: string[], signal: AbortSignal): Promise<FoundPosition[]> => {
    // Locked in one order, so that two writers wait for each other instead of dying.
    const text = `select topic, "partition", epoch, "offset", part, gaps, refused, "timestamp", newest from ${table} where connector = $1 and target = $2 and (topic, "partition", epoch) in (select * from ${given}) order by topic, "partition", epoch for update`;
    return (await inside.run({ text, values }, signal)).rows as FoundPosition[];
  };

  return {
    async lock(inside, target, lanes, signal) {
      const values = laneValues(target, lanes);
      try {
        let found = await read(inside, values, signal);
        if (found.length < lanes.length) {
          const text = `insert into ${table} (connector, target, topic, "partition", epoch) select $1::text, $2::text, d.topic, d."partition", d.epoch from ${given} as d(topic, "partition", epoch) order by 3, 4, 5 on conflict do nothing`;
          await inside.run({ text, values }, signal);
          found = await read(inside, values, signal);
        }
        return new Map(found.flatMap((row) => (row.offset === null ? [] : [[laneName(row), positionOf(row)]])));
      } catch (error) {
        if (sqlState(error) === '42P01') throw new OffsetsMissing();
        throw error;
      }
    },
    async save(inside, target, positions, signal) {
      const numbers = (of: (position: Position) => number): string => arrayText(positions, true, ([, position]) => of(position));
      const values = [
        ...laneValues(
          target,
          positions.map(([lane]) => lane),
        ),
        numbers(({ offset }) => offset),
        numbers(({ part }) => part),
        arrayText(positions, false, ([, { gaps }]) => gaps.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(' ')),
        arrayText(positions, false, ([, { refused }]) => refused.join(' ')),
        numbers(({ timestamp }) => Math.round(timestamp)),
        numbers(({ newest }) => Math.ceil(newest)),
      ];
      const text = `update ${table} t set "offset" = d."offset", part = d.part, gaps = d.gaps, refused = d.refused, "timestamp" = d."timestamp", newest = d.newest, updated_at = now() from unnest($3::text[], $4::int4[], $5::int4[], $6::int8[], $7::int4[], $8::text[], $9::text[], $10::int8[], $11::int8[]) as d(topic, "partition", epoch, "offset", part, gaps, refused, "timestamp", newest) where t.connector = $1 and t.target = $2 and t.topic = d.topic and t."partition" = d."partition" and t.epoch = d.epoch`;
      await inside.run({ text, values }, signal);
    },
    async check(database, signal) {
      try {
        await database.run(
          {
            text: `select connector, target, topic, "partition", epoch, "offset", part, gaps, refused, "timestamp", newest from ${table} limit 0`,
            values: [],
          },
          signal,
        );
      } catch (error) {
        if (sqlState(error) !== '42P01') throw error;
        if (config.autoCreate) return;
        throw new ConfigError(
          'SINK_TARGET_MISSING',
          `Table ${JSON.stringify(name)}, which connector.sink.offsets names, does not exist. Run: create table ${table} (${definition}); or set connector.sink.autoCreate to true.`,
        );
      }
    },
    async create(database, signal) {
      if (!config.autoCreate) return this.check(database, signal);
      const lock: Statement = { text: 'select pg_advisory_xact_lock(hashtext($1))', values: [`sluice ${table}`] };
      await database.transact([lock, { text: `create table if not exists ${table} (${definition})`, values: [] }], signal);
    },
  };
}

interface FoundPosition extends Lane {
  readonly offset: string | null;
  readonly part: number;
  readonly gaps: string;
  readonly refused: string;
  readonly timestamp: string;
  readonly newest: string;
}

function positionOf({ offset, part, gaps, refused, timestamp, newest }: FoundPosition): Position {
  const words = (text: string): string[] => (text === '' ? [] : text.split(' '));
  return {
    offset: Number(offset),
    part,
    gaps: words(gaps).map((range): Range => {
      const [from, to = from] = range.split('-').map(Number);
      return [from ?? 0, to ?? 0];
    }),
    refused: words(refused),
    timestamp: Number(timestamp),
    newest: Number(newest),
  };
}
