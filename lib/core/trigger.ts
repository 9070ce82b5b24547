import { Type } from 'typebox';
import { deployed } from './deployed.ts';
import { Secret } from './secret.ts';

/** The name of a topic. */
export const Topic = (description: string) => Type.String({ pattern: '^[a-zA-Z0-9._-]{1,249}$', description });

/** `connector.trigger`: which topic feeds the connector, and how. */
export const triggerSchema = Type.Object(
  {
    topic: Type.Optional(Topic('The topic to read.')),
    topics: Type.Optional(
      Type.Array(Topic('A topic to read.'), { minItems: 1, description: 'Several topics: each becomes a trigger of its own.' }),
    ),
    consumerGroup: Type.Optional(Type.String({ minLength: 1, description: 'Consumer group. By default SERVICE-STAGE-NAME-TOPIC.' })),
    startingPosition: Type.Union([Type.Literal('TRIM_HORIZON'), Type.Literal('LATEST'), Type.Literal('AT_TIMESTAMP')], {
      default: 'TRIM_HORIZON',
      description: 'Where a new consumer group begins: at the oldest record, the newest, or a time.',
    }),
    startingPositionTimestamp: Type.Optional(
      Type.Number({ minimum: 0, description: 'Seconds since the epoch, with startingPosition AT_TIMESTAMP.' }),
    ),
    batchSize: Type.Integer({ minimum: 1, maximum: 10_000, default: 100, description: 'Most records in one batch.' }),
    maximumBatchingWindow: Type.Number({ minimum: 0, maximum: 300, default: 1, description: 'Most seconds to wait for a full batch.' }),
    pollers: Type.Optional(
      Type.Object(
        {
          minimum: Type.Integer({ minimum: 1, maximum: 200, default: 1, description: 'Pollers that always run, and are always paid.' }),
          maximum: Type.Integer({ minimum: 1, maximum: 2000, default: 200, description: 'Pollers at most.' }),
          group: Type.Optional(
            Type.String({
              minLength: 1,
              description: 'Shares the paid capacity with the other triggers of this poller group, in the same network.',
            }),
          ),
        },
        {
          additionalProperties: false,
          description: 'Switches the trigger to provisioned mode, which can acknowledge part of a batch and has a standing cost.',
        },
      ),
    ),
    filterPatterns: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown()), {
        minItems: 1,
        maxItems: 10,
        description:
          'Patterns of Lambda; records that match none never reach the function. Only value can be looked at, as JSON: { value: { type: [order] } }.',
      }),
    ),
    maximumRetryAttempts: Type.Optional(
      Type.Integer({
        minimum: -1,
        maximum: 10_000,
        description: 'With pollers: retries before records are given up. By default there is no end.',
      }),
    ),
    maximumRecordAgeInSeconds: Type.Optional(
      Type.Integer({
        minimum: -1,
        maximum: 604_800,
        description: 'With pollers: records older than this are given up. By default they never are.',
      }),
    ),
    bisectBatchOnFunctionError: Type.Optional(
      Type.Boolean({ description: 'With pollers: a batch that failed is halved before it is tried again.' }),
    ),
    onFailure: Type.Optional(
      deployed(
        Type.String({
          pattern: '^(arn:|kafka://)',
          description:
            'Where the trigger sends what it gives up: the ARN of a queue, topic or bucket, or kafka://TOPIC of the same cluster (with pollers).',
        }),
        'arn:aws:sqs:known-at-deployment',
      ),
    ),
    drainsOnOutage: Type.Boolean({
      default: false,
      description: 'Allows limits after which the trigger skips records, also while the target is down.',
    }),
    metrics: Type.Optional(
      Type.Array(Type.Union([Type.Literal('EventCount'), Type.Literal('ErrorCount'), Type.Literal('KafkaMetrics')]), {
        description: "The trigger's own metrics in CloudWatch. ErrorCount and KafkaMetrics need pollers.",
      }),
    ),
    logLevel: Type.Optional(
      Type.Union([Type.Literal('DEBUG'), Type.Literal('INFO'), Type.Literal('WARN')], {
        description: 'With pollers: what the pollers log.',
      }),
    ),
    schemaRegistry: Type.Optional(
      Type.Object(
        {
          uri: Type.String({ minLength: 1, description: 'ARN of a Glue registry, or the URL of a Confluent one.' }),
          eventRecordFormat: Type.Union([Type.Literal('JSON'), Type.Literal('SOURCE')], {
            default: 'JSON',
            description: 'What the function gets: JSON text, or the body as it was without the framing.',
          }),
          validate: Type.Array(Type.Union([Type.Literal('KEY'), Type.Literal('VALUE')]), {
            default: ['VALUE'],
            minItems: 1,
            description: 'Which part of a record is read with its schema.',
          }),
          auth: Type.Optional(
            Type.Object(
              {
                type: Type.Union([Type.Literal('basic'), Type.Literal('mtls')], { description: 'How to show the registry who asks.' }),
                secret: Secret({ description: 'Where its credentials are, as { secretsManager: arn }.' }),
              },
              { additionalProperties: false, description: 'Credentials for the registry.' },
            ),
          ),
        },
        {
          additionalProperties: false,
          description: 'With pollers: the trigger decodes records with this registry. Not together with sluice.registry.',
        },
      ),
    ),
    enabled: Type.Boolean({ default: true, description: 'Whether the trigger delivers.' }),
  },
  { additionalProperties: false, description: 'Which topic feeds the connector, and how.' },
);
