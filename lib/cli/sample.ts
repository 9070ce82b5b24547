import { existsSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import type { SourceRecord } from '../core/record.ts';
import { closest } from '../core/suggest.ts';
import { clusterSettings, openCluster } from './cluster.ts';
import type { CommandWorld } from './dev.ts';
import { masking } from './samples/mask.ts';
import { toSampleLine } from './samples/sample-lines.ts';
import { readService } from './service.ts';
import { counted, terminal } from './terminal.ts';

export interface SampleFlags {
  readonly config: string;
  readonly stage?: string;
  readonly brokers?: string;
  readonly count?: number;
  /** Fields, each flag one or several separated by commas. */
  readonly mask?: readonly string[];
  readonly fromBeginning?: boolean;
  /** `-` for standard output. */
  readonly out?: string;
  readonly append?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Reads records of a topic without any consumer group; answers undefined for a topic that does not exist. */
export type ReadTopic = (
  topic: string,
  count: number,
  edge: 'first' | 'last',
) => Promise<readonly SourceRecord[] | { readonly topics: readonly string[] }>;

const defaultCount = 20;
/** Masks of people who set none agree with each other. */
const commonMaskKey = 'sluice';

/** Writes records of a topic into a file of samples, or prints them. Answers the exit code. */
export async function sample(flags: SampleFlags, topic: string, world: CommandWorld, readTopic?: ReadTopic): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { root, cluster } = await serviceOf(flags, world);
  const file = flags.out ?? join(root, 'test', 'samples', `${topic}.jsonl`);
  const shown = relative(process.cwd(), file);
  if (file !== '-' && existsSync(file) && flags.append !== true && flags.force !== true)
    throw usage(`${shown} is there. Say --append to add to it, --force to replace it, or --out for another file.`);

  const fields = (flags.mask ?? []).flatMap((text) => text.split(',')).map((field) => field.trim());
  if (fields.includes('')) throw usage('Expected --mask to name fields, such as --mask title,owner.email,key.');
  const read = readTopic ?? (await topicReader(flags, cluster, world));
  const records = await read(topic, flags.count ?? defaultCount, flags.fromBeginning === true ? 'first' : 'last');
  if ('topics' in records) throw missing(topic, records.topics);
  if (records.length === 0) throw usage(`There are no records in ${topic}. Write some with npx sluice produce ${topic}.`);

  const { mask, covered } = masking(fields, world.env['SLUICE_MASK_KEY'] || commonMaskKey);
  const lines = records.map((record) => `${toSampleLine(mask(record))}\n`).join('');
  const uncovered = [...covered].filter(([, times]) => times === 0).map(([field]) => field);
  if (uncovered.length > 0)
    throw usage(
      `No record of these has ${uncovered.join(', ')}, so nothing was written. Correct --mask; fields of the value are dotted names, then there are key, key.name and header:name.`,
    );

  if (file === '-') {
    world.stdout.write(lines);
    return 0;
  }
  await mkdir(dirname(file), { recursive: true });
  await (flags.append === true ? appendFile(file, lines) : writeFile(file, lines));
  if (flags.json === true) {
    out.line(JSON.stringify({ topic, file: shown, records: records.length, masked: fields }));
    return 0;
  }
  out.line(
    `  ${counted(records.length, 'record')} of ${topic} ${flags.append === true ? 'added to' : 'written to'} ${shown}${fields.length === 0 ? '' : `   masked: ${fields.join(', ')}`}`,
  );
  return 0;
}

/** The last records by time, or the first ones, of all partitions together. */
async function topicReader(flags: SampleFlags, settings: unknown, world: CommandWorld): Promise<ReadTopic> {
  const { cluster } = await openCluster(clusterSettings(settings, flags.brokers), world.env);
  return async (topic, count, edge) => {
    const inspector = await cluster.inspector();
    try {
      const { topics } = await inspector.describe([topic]);
      const partitions = topics.get(topic)?.partitions;
      if (partitions === undefined) {
        const admin = await cluster.admin();
        try {
          return { topics: await admin.topics() };
        } finally {
          await admin.close();
        }
      }
      if (edge === 'last') return byTime(await inspector.tail(topic, count)).slice(-count);
      const firsts = await inspector.offsets(topic, 'first');
      const heads: SourceRecord[] = [];
      for (const [partition, from] of firsts) heads.push(...(await inspector.head(topic, partition, from, count)));
      return byTime(heads).slice(0, count);
    } finally {
      inspector.destroy();
    }
  };
}

function byTime(records: readonly SourceRecord[]): SourceRecord[] {
  return records.toSorted(
    (a, b) => a.timestamp - b.timestamp || a.origin.partition - b.origin.partition || a.origin.offset - b.origin.offset,
  );
}

/** With --brokers a service file is welcome, but not needed. */
async function serviceOf(
  { config, stage, brokers }: SampleFlags,
  { env }: CommandWorld,
): Promise<{ readonly root: string; readonly cluster: unknown }> {
  try {
    return await readService({ file: config, stage, env });
  } catch (error) {
    if (brokers !== undefined && error instanceof ConfigError) return { root: '.', cluster: undefined };
    throw error;
  }
}

function missing(topic: string, topics: readonly string[]): ConfigError {
  const near = closest(topic, topics);
  return new ConfigError(
    'TOPIC_MISSING',
    `There is no topic ${topic}. ${near === undefined ? 'Correct its name, or create it.' : `Did you mean ${near}?`}`,
  );
}

function usage(message: string): ConfigError {
  return new ConfigError('USAGE', message);
}
