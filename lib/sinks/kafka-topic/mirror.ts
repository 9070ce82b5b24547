import { type Lookout, lookout } from '../../clients/kafka/lookout.ts';
import type { Cluster } from '../../clients/kafka.ts';
import { ConfigError, type ConnectorError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, partitionName, type SourceRecord } from '../../core/record.ts';
import type { Route } from '../../core/route.ts';
import type { OpenContext, Outcome, Sink, WriteOptions } from '../../core/sink.ts';
import { type Continuity, continuity, type Logs } from './continuity.ts';
import { lastMirrored } from './mirrored.ts';
import { newTopics, type TopicPair } from './new-topics.ts';
import { type Options, stopsAtGaps } from './options.ts';
import { headerText, hop, isLoop, provenanceHeaders } from './provenance.ts';
import { explorer, type Surroundings } from './surroundings.ts';

const sampledRecords = 500;

export interface MirrorOptions {
  readonly config: Options;
  readonly context: OpenContext;
  readonly route: Route;
  /** Undefined where only its id is known. */
  readonly source: Cluster | undefined;
  readonly target: Cluster;
  /** What writes the records. */
  readonly sink: Sink;
  /** Tells the sink what was found out, before it writes. */
  readonly found: (surroundings: Surroundings) => void;
}

/** A sink that looks around in both clusters before it writes: who they are, whether the source lost something, whether the target's topics are there. */
export function mirror({ config, context, route, source, target, sink, found }: MirrorOptions): Sink {
  const targetLookout = lookout(target);
  const sourceLookout = source === undefined ? undefined : source === target ? targetLookout : lookout(source);
  const watchesGaps = stopsAtGaps(config);
  if (watchesGaps && sourceLookout === undefined) throw unreadableSource();
  const { explore } = explorer({
    source: sourceLookout,
    sourceClusterId: config.provenance ? config.sourceClusterId : (config.sourceClusterId ?? ''),
    target: targetLookout,
    now: context.now,
  });
  const { createTopics, partition } = config;
  let known: Surroundings | undefined;
  const preparesTopics = createTopics !== false || partition === 'keep';
  const prepareTopics = newTopics({
    ...{ createTopics, partition, source, target, targetLookout, log: context.log, now: context.now },
    partitionsOf: (topic) => known?.partitions(topic),
  });
  const targetOf = (record: KafkaRecord): string | undefined => {
    try {
      return route(record);
    } catch (error) {
      if (error instanceof DataError) return undefined; // its outcome, when it is written
      throw error;
    }
  };
  const gaps = watchesGaps ? continuity(config.acceptGaps) : undefined;
  const logs = { source: sourceLookout ?? targetLookout, target: targetLookout, targetOf, keepsPartition: partition === 'keep' };

  return {
    ...sink,
    async write(records, options) {
      const { signal } = options;
      const around = await explore(records, signal);
      known = around;
      if (config.provenance) found(around);
      if (preparesTopics) await prepareTopics(pairs(records, targetOf), signal);
      const refused = await gaps?.check(records, logsOf(logs, around, signal));
      const writing = gaps === undefined ? sink : noting(sink, gaps);
      if (refused === undefined || refused.size === 0) return await writing.write(records, options);
      return await writeOthers(writing, records, refused, options);
    },
    async close() {
      targetLookout.close();
      sourceLookout?.close();
      await sink.close?.();
    },
  };
}

interface LogsOptions {
  readonly source: Lookout;
  readonly target: Lookout;
  readonly targetOf: (record: KafkaRecord) => string | undefined;
  readonly keepsPartition: boolean;
}

function logsOf({ source, target, targetOf, keepsPartition }: LogsOptions, around: Surroundings, signal: AbortSignal): Logs {
  const { sourceId, targetId } = around;
  return {
    topicId: around.topicId,
    first: (topic) => source.ask((inspector) => inspector.offsets(topic, 'first'), signal),
    next: (topic) => source.ask((inspector) => inspector.offsets(topic, 'next'), signal),
    lastMirrored: (records, thorough) => lastMirrored(records, thorough, { target, sourceId, targetOf, keepsPartition }, signal),
    async isAllLooping(record, from, to) {
      const { topic, partition } = record.origin;
      const targetTopic = targetOf(record);
      if (targetTopic === undefined) return false;
      const sample = await source.ask((inspector) => inspector.head(topic, partition, from, Math.min(sampledRecords, to - from)), signal);
      const [here, there] = [hop(sourceId, topic), hop(targetId, targetTopic)];
      const isLooping = ({ headers }: SourceRecord): boolean =>
        isLoop((headerText(headers, provenanceHeaders.chain) ?? '').split(','), here, there);
      return sample.length > 0 && sample.every(isLooping);
    },
  };
}

/** Which source topics go to which target topics. */
function pairs(records: readonly KafkaRecord[], targetOf: (record: KafkaRecord) => string | undefined): readonly TopicPair[] {
  const found = new Map<string, TopicPair>();
  for (const record of records) {
    const source = record.origin.topic;
    const target = targetOf(record);
    if (target !== undefined && found.get(target)?.source !== source) found.set(target, { source, target });
  }
  return [...found.values()];
}

/** A sink that tells which records were not written and are to come again. */
export function noting(sink: Pick<Sink, 'write'>, gaps: Pick<Continuity, 'missed'>): Pick<Sink, 'write'> {
  return {
    async write(records, options) {
      let outcomes: readonly Outcome[] = [];
      try {
        outcomes = await sink.write(records, options);
        return outcomes;
      } finally {
        for (const [index, record] of records.entries()) {
          const outcome = outcomes[index];
          if (typeof outcome !== 'string' && !(outcome instanceof DataError)) gaps.missed(record);
        }
      }
    },
  };
}

/** A partition that must not go on is no reason for its neighbours to wait. */
async function writeOthers(
  sink: Pick<Sink, 'write'>,
  records: readonly KafkaRecord[],
  refused: ReadonlyMap<string, ConnectorError>,
  options: WriteOptions,
): Promise<readonly Outcome[]> {
  const reasons = records.map(({ origin }) => refused.get(partitionName(origin)));
  const others = records.filter((_, index) => reasons[index] === undefined);
  const written = others.length === 0 ? [] : await sink.write(others, options);
  let next = 0;
  return reasons.map((reason) => reason ?? written[next++] ?? unanswered());
}

function unanswered(): ConfigError {
  return new ConfigError('SINK_MISCONFIGURED', 'The topic writer did not answer for this record.');
}

function unreadableSource(): ConfigError {
  const message =
    'Expected sluice.cluster, to notice when records are deleted from the source before they were mirrored. Set it, or connector.sink.gaps to ignore.';
  return new ConfigError('CONFIG_INVALID', message);
}
