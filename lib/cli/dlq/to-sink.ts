import { openConnector, realClock } from '../../compose.ts';
import { silentLog } from '../../core/log.ts';
import { heldBack } from '../../core/outcome.ts';
import { type Header, type KafkaRecord, originName } from '../../core/record.ts';
import { letterHeaders, versionText } from '../../core/replay.ts';
import { parseSettings } from '../../core/settings.ts';
import type { SinkDefinition } from '../../core/sink.ts';
import { showing } from '../dry-run.ts';
import { loadDefinition } from '../load-definition.ts';
import type { ServiceConnector } from '../service.ts';
import type { DeadLetter } from './dead-letter.ts';
import { type Destination, type Replayed, textHeader } from './destination.ts';

export interface ToSinkOptions {
  readonly connector: ServiceConnector;
  /** The dead letter topic that is read. */
  readonly topic: string;
  readonly cluster: unknown;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Decodes and transforms, and writes nothing. */
  readonly dryRun: boolean;
}

/** Through the connector's own pipeline: its formats, transforms and sink, with the version that each record failed with and only its failed parts. */
export async function toSink({ connector, topic, cluster, env, dryRun }: ToSinkOptions): Promise<Destination> {
  for (const [name, value] of Object.entries(connector.environment)) process.env[name] ??= value;
  const definition = await loadDefinition(connector.handlerFile, connector.exportName);
  const settings = parseSettings(connector.connector);
  const added = new WeakSet<Header>();
  const sink = dryRun ? showing(definition.sink, () => undefined) : withoutHeaders(definition.sink, added);
  const opened = await openConnector(
    { ...definition, sink },
    {
      name: connector.name,
      // A letter that fails again stays where it is, so nobody writes another; and all of them may fail, as no others are kept waiting.
      settings: { ...settings, acceptReplays: true, onError: { deadLetterTopic: topic, tolerance: 'all' } },
      cluster,
      environment: { env: { ...connector.environment, ...env }, clock: realClock, log: silentLog, reportBatch: () => undefined },
    },
  );
  return {
    words: `through ${connector.name} again`,
    refusal: ({ writtenBy }) =>
      writtenBy === 'sluice' ? undefined : 'does not say which version it is, as Sluice did not write it: send it with --to topic',
    async send(letters) {
      const batch = letters.map(({ letter, record }) => ({
        ...record,
        origin: letter.place,
        headers: withReplay({ letter, record }, added),
      }));
      const settlement = await opened.process(batch, { mode: 'partial', deadline: realClock.now() + connector.timeoutSeconds * 1_000 });
      const outcomes = new Map(
        settlement.partitions.flatMap(({ deliveries }) =>
          deliveries.map(({ source, outcome }) => [originName(source.origin), outcome] as const),
        ),
      );
      return letters.map(({ letter }) => outcomes.get(originName(letter.place)) ?? heldBack());
    },
    close: () => opened.close(),
  };
}

/** The record's own headers, and behind them what a replay has to say. */
function withReplay({ letter, record }: Replayed, added: WeakSet<Header>): Header[] {
  const replay = replayHeaders(letter);
  for (const header of replay) added.add(header);
  return [...record.headers, ...replay];
}

/** What the pipeline, and a connector with `acceptReplays`, believes of a record that failed before. */
export function replayHeaders({ version, timestamp, attempts, firstFailure, parts }: DeadLetter): readonly Header[] {
  if (version === undefined) return [];
  return [
    textHeader(letterHeaders.version, versionText(version)),
    textHeader(letterHeaders.timestamp, String(timestamp)),
    textHeader(letterHeaders.attempts, String(attempts)),
    textHeader(letterHeaders.firstFailure, String(firstFailure)),
    ...(parts === undefined ? [] : [textHeader(letterHeaders.parts, parts.join(','))]),
  ];
}

/** A sink that copies headers, to another topic for example, shall copy the record's own. */
function withoutHeaders(sink: SinkDefinition, added: WeakSet<Header>): SinkDefinition {
  const bare = (record: KafkaRecord): KafkaRecord =>
    Object.create(record, { headers: { value: record.headers.filter((header) => !added.has(header)), enumerable: true } });
  return {
    ...sink,
    async open(config, context) {
      const opened = await sink.open(config, context);
      const identity = opened.identity?.bind(opened);
      return {
        ...opened,
        write: (records, options) => opened.write(records.map(bare), options),
        ...(identity === undefined ? {} : { identity: (record: KafkaRecord) => identity(bare(record)) }),
      };
    },
  };
}
