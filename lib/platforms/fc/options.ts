import { type Static, Type } from 'typebox';

const Arn = (description: string) => Type.String({ pattern: '^acs:', description });

/** Without defaults in the schema: what is not written for a connector is taken from what is written for all. */
const perConnector = {
  role: Type.Optional(Arn("ARN of the function's role. Its credentials reach OSS and MaxCompute without a secret.")),
  maximumTasks: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Consumers of the trigger, at most one per partition. By default 1.' }),
  ),
  concurrency: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 300,
      description:
        'Batches under way at the same time, by default 1. With more, those of one partition overtake each other: not for sinks that keep order.',
    }),
  ),
  cpu: Type.Optional(Type.Number({ minimum: 0.05, maximum: 16, description: 'Virtual CPUs. By default one for each 2 GB of memory.' })),
  retryStrategy: Type.Optional(
    Type.Union([Type.Literal('EXPONENTIAL_DECAY_RETRY'), Type.Literal('BACKOFF_RETRY')], {
      description:
        'How the trigger tries a batch again: EXPONENTIAL_DECAY_RETRY for a day with growing pauses (the default), BACKOFF_RETRY three times within a minute.',
    }),
  ),
  errorsTolerance: Type.Optional(
    Type.Union([Type.Literal('NONE'), Type.Literal('ALL')], {
      description:
        'What the trigger does after its last try: NONE stops until a person resumes it (the default), ALL gives the batch up and goes on.',
    }),
  ),
  deadLetterQueue: Type.Optional(Arn('ARN of a queue, topic or event bus for what the trigger gives up with errorsTolerance ALL.')),
};

/** The `sluice.fc:` block of serverless.yml. */
export const fcSchema = Type.Object(
  {
    region: Type.String({ pattern: '^[a-z]{2}-[a-z0-9-]+$', description: 'Region of Alibaba Cloud, e.g. cn-hangzhou.' }),
    instanceId: Type.String({
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'The instance of ApsaraMQ for Kafka, e.g. alikafka_pre-cn-abc123.',
    }),
    access: Type.String({ minLength: 1, default: 'default', description: 'The name of the account in the deploy tool.' }),
    network: Type.Union([Type.Literal('Default'), Type.Literal('PublicNetwork')], {
      default: 'Default',
      description: "How the trigger reaches Kafka: inside the region, or by the instance's public address through the VPC.",
    }),
    vpc: Type.Optional(
      Type.Object(
        {
          vpcId: Type.String({ minLength: 1, description: 'The VPC.' }),
          vSwitchIds: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Its vSwitches.' }),
          securityGroupId: Type.String({ minLength: 1, description: 'Its security group.' }),
        },
        { additionalProperties: false, description: 'Where functions run that reach Kafka or a target inside a VPC.' },
      ),
    ),
    log: Type.Union(
      [
        Type.Literal('auto'),
        Type.Object(
          {
            project: Type.String({ minLength: 1, description: 'Project of the log service.' }),
            logstore: Type.String({ minLength: 1, description: 'Its store.' }),
          },
          { additionalProperties: false },
        ),
      ],
      { default: 'auto', description: 'Where logs and metrics go: a store of the log service, or one that the deploy tool makes.' },
    ),
    ...perConnector,
    connectors: Type.Record(Type.String(), Type.Object(perConnector, { additionalProperties: false }), {
      default: {},
      description: 'The options from role to deadLetterQueue for single connectors, by name.',
    }),
  },
  { additionalProperties: false, description: "What `sluice export fc` needs for Alibaba Cloud's Function Compute." },
);
type FcOptions = Static<typeof fcSchema>;

const defaults = { maximumTasks: 1, concurrency: 1, retryStrategy: 'EXPONENTIAL_DECAY_RETRY', errorsTolerance: 'NONE' } as const;

/** The options as they are for one connector. */
export type ConnectorFcOptions = Omit<FcOptions, 'connectors'> & Required<Pick<FcOptions, keyof typeof defaults>>;

/** The service's options with those of one connector laid over them. */
export function optionsFor(connector: string, { connectors, ...shared }: FcOptions): ConnectorFcOptions {
  return { ...defaults, ...shared, ...(Object.hasOwn(connectors, connector) ? connectors[connector] : {}) };
}
