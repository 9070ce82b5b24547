import { type Static, type TObject, Type } from 'typebox';
import { type Problem, readConfig, throwProblems } from './config.ts';
import { hash } from './letter.ts';
import type { AcknowledgeMode } from './settle.ts';
import type { SinkDefinition } from './sink.ts';
import { parseTolerance } from './tolerance.ts';
import { Topic, triggerSchema } from './trigger.ts';

/** Names one of the ready-made parts by its `type`; the other options are that part's own. */
const Typed = (description: string) => Type.Object({ type: Type.String({ minLength: 1 }) }, { additionalProperties: true, description });
const Format = (description: string, byDefault: string) =>
  Type.Union([Type.String({ minLength: 1 }), Typed('A format with options of its own.')], { default: byDefault, description });

export const connectorSchema = Type.Object(
  {
    trigger: triggerSchema,
    key: Format('How keys are decoded.', 'string'),
    value: Format('How values are decoded.', 'json'),
    transforms: Type.Array(Typed('A ready-made transform.'), {
      default: [],
      description: "Ready-made transforms, run in this order before the function's own.",
    }),
    tombstones: Type.Union([Type.Literal('pass'), Type.Literal('transform')], {
      default: 'pass',
      description: 'Whether tombstones pass transforms by, or go through them with a null value.',
    }),
    transformConcurrency: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 16,
      description: 'How many records an asynchronous transform works on at the same time.',
    }),
    sink: Typed("Where records go: the sink's type and its options."),
    settings: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description: "The function's own settings, given to its transform as context.settings.",
    }),
    epoch: Type.Integer({
      minimum: 0,
      maximum: 32_767,
      default: 0,
      description: 'Raise it by one when the topic was re-created or repartitioned: its records then win over all that came before.',
    }),
    acknowledge: Type.Optional(
      Type.Union([Type.Literal('partial'), Type.Literal('batch')], {
        description:
          'Whether a batch is acknowledged up to its first failure, or as a whole. By default batch, and partial with trigger.pollers.',
      }),
    ),
    acceptDuplicates: Type.Boolean({
      default: false,
      description: 'Allows a sink mode that is not idempotent where whole batches are repeated.',
    }),
    acceptReplays: Type.Boolean({
      default: false,
      description: 'Believes the replay headers of records from any topic, not only from the dead letter topic.',
    }),
    onError: Type.Union(
      [
        Type.Literal('skip'),
        Type.Object(
          {
            deadLetterTopic: Type.Optional(Topic('Where records go that cannot be delivered as they are.')),
            tolerance: Type.Optional(
              Type.String({
                description:
                  'How many data errors are put aside before the connector stops: all, none, or a share such as "5% of 1000". By default it stops at half of at least 20 records.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
      ],
      {
        default: {},
        description:
          'What happens to records that cannot be delivered: a dead letter topic, or skip to drop them. Without either they block their partition.',
      },
    ),
    retry: Type.Object(
      {
        baseMs: Type.Integer({ minimum: 1, default: 100, description: 'Upper bound of the first pause.' }),
        capMs: Type.Integer({ minimum: 1, default: 10_000, description: 'Upper bound of any pause.' }),
        maxElapsedMs: Type.Integer({
          minimum: 0,
          maximum: 60_000,
          default: 60_000,
          description: 'Time for retries within one batch; afterwards Kafka delivers it again.',
        }),
      },
      {
        additionalProperties: false,
        default: { baseMs: 100, capMs: 10_000, maxElapsedMs: 60_000 },
        description: 'Retries within one batch.',
      },
    ),
    worker: Type.Object(
      {
        records: Type.Integer({ minimum: 1, default: 2_000, description: 'A gather is handed on at this many records.' }),
        bytes: Type.Integer({ minimum: 1, default: 4_000_000, description: 'A gather is handed on at this many bytes.' }),
        ageMs: Type.Integer({
          minimum: 0,
          default: 1_000,
          description: 'A gather is handed on when its first record has waited this long.',
        }),
        idleMs: Type.Integer({ minimum: 0, default: 50, description: 'A gather is handed on when nothing new came for this long.' }),
        concurrency: Type.Integer({ minimum: 1, default: 4, description: 'Batches under way at the same time.' }),
      },
      {
        additionalProperties: false,
        default: { records: 2_000, bytes: 4_000_000, ageMs: 1_000, idleMs: 50, concurrency: 4 },
        description: 'How a worker gathers records before it hands them on.',
      },
    ),
  },
  { additionalProperties: false },
);

export type ConnectorSettings = Static<typeof connectorSchema>;

/** Checks a `connector:` block and fills in its defaults; lists every problem with its path and what to set. Options of formats, transforms and the sink are checked with those: see `checkSink`. */
export function readSettings(
  raw: unknown,
  path = 'connector',
): { readonly settings: ConnectorSettings; readonly problems: readonly Problem[] } {
  const { value: settings, problems } = readConfig(connectorSchema, raw, path);
  return { settings, problems: problems.length > 0 ? problems : crossCheck(settings, path) };
}

/** The checked settings. Throws a ConfigError `CONFIG_INVALID` with every problem, one a line. */
export function parseSettings(raw: unknown, path = 'connector'): ConnectorSettings {
  const { settings, problems } = readSettings(raw, path);
  throwProblems(problems);
  return settings;
}

/** The sink's options, checked, with their defaults. */
export function checkSink<Config extends TObject>(
  definition: SinkDefinition<Config>,
  settings: ConnectorSettings,
  path = 'connector',
): { readonly config: Static<Config>; readonly problems: readonly Problem[] } {
  const { type, ...options } = settings.sink;
  const { value: config, problems } = readConfig(definition.config, options, `${path}.sink`);
  if (type !== definition.name) {
    const message = `Expected ${path}.sink.type to be "${definition.name}", the sink of the function, got "${type}". Set it to ${definition.name}, or give the function the other sink.`;
    return { config, problems: [{ path: `${path}.sink.type`, message }] };
  }
  if (problems.length > 0) return { config, problems };
  const combinations = (definition.check?.(config) ?? []).map((problem) => ({
    path: `${path}.sink.${problem.path}`,
    message: `${path}.sink.${problem.path}: ${problem.message}`,
  }));
  return { config, problems: [...combinations, ...duplicateCheck(definition, config, settings, path)] };
}

/** Topics the connector reads. */
export function topicsOf({ trigger }: ConnectorSettings): readonly string[] {
  return trigger.topics ?? (trigger.topic === undefined ? [] : [trigger.topic]);
}

/** How the platform takes the connector's answer on Lambda; workers always acknowledge partially. */
export function acknowledgeMode({ acknowledge, trigger }: ConnectorSettings): AcknowledgeMode {
  return acknowledge ?? (trigger.pollers === undefined ? 'batch' : 'partial');
}

export function deadLetterTopicOf({ onError }: ConnectorSettings): string | undefined {
  return onError === 'skip' ? undefined : onError.deadLetterTopic;
}

/** Changes whenever the settings do; part of dead letters and object names. */
export function configVersion(settings: ConnectorSettings): string {
  return hash(JSON.stringify(settings));
}

function crossCheck(settings: ConnectorSettings, path: string): Problem[] {
  const problems: Problem[] = [];
  const say = (option: string, message: string) => problems.push({ path: `${path}.${option}`, message });
  const { trigger, onError } = settings;
  const topics = topicsOf(settings);
  if ((trigger.topic === undefined) === (trigger.topics === undefined)) {
    say(
      'trigger.topic',
      `Expected ${path}.trigger to have either topic or topics, got ${trigger.topic === undefined ? 'neither' : 'both'}. Set topic to the topic to read.`,
    );
  }
  const letters = deadLetterTopicOf(settings);
  if (letters !== undefined && topics.includes(letters)) {
    say(
      'onError.deadLetterTopic',
      `${path}.onError.deadLetterTopic is one of the topics the connector reads, so its letters would come back to it for ever. Set it to another topic.`,
    );
  }
  if (trigger.startingPosition === 'AT_TIMESTAMP' && trigger.startingPositionTimestamp === undefined) {
    say(
      'trigger.startingPositionTimestamp',
      `${path}.trigger.startingPosition is AT_TIMESTAMP. Set startingPositionTimestamp to seconds since the epoch.`,
    );
  }
  if (settings.acknowledge === 'partial' && trigger.pollers === undefined) {
    say(
      'acknowledge',
      `${path}.acknowledge: partial works with provisioned pollers only; without them the platform ignores it and records are lost. Set ${path}.trigger.pollers, or acknowledge: batch.`,
    );
  }
  if (onError !== 'skip') {
    try {
      parseTolerance(onError.tolerance);
    } catch (error) {
      say('onError.tolerance', error instanceof Error ? error.message : String(error));
    }
  }
  return problems;
}

/** Where whole batches are repeated, a sink mode that is not idempotent writes some records twice: that has to be wanted. */
function duplicateCheck<Config extends TObject>(
  definition: SinkDefinition<Config>,
  config: Static<Config>,
  settings: ConnectorSettings,
  path: string,
): Problem[] {
  if (settings.acceptDuplicates || acknowledgeMode(settings) === 'partial' || definition.guarantees(config).idempotent) return [];
  const message = `${path}.sink writes a record again when its batch is repeated, as ${definition.name} is not idempotent in this mode. Choose a mode that is, or set ${path}.acceptDuplicates: true.`;
  return [{ path: `${path}.acceptDuplicates`, message }];
}
