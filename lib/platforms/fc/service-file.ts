import { Type } from 'typebox';
import { type Problem, readConfig } from '../../core/config.ts';

const Text = Type.String({ minLength: 1 });
const Any = Type.Object({}, { additionalProperties: true });
const loose = { additionalProperties: true } as const;
const strict = { additionalProperties: false } as const;

/** What component fc3 of the deploy tool checks of a function behind an EventBridge trigger: names and types down to the trigger's blocks. */
const componentSchema = Type.Object(
  {
    edition: Type.Literal('3.0.0'),
    name: Text,
    access: Text,
    resources: Type.Record(
      Type.String(),
      Type.Object(
        {
          component: Type.Literal('fc3'),
          props: Type.Object(
            {
              region: Text,
              functionName: Text,
              runtime: Text,
              code: Text,
              description: Type.Optional(Type.String()),
              handler: Type.Optional(Type.String()),
              memorySize: Type.Optional(Type.Integer({ minimum: 128, maximum: 32_768 })),
              cpu: Type.Optional(Type.Number({ minimum: 0.05, maximum: 16 })),
              diskSize: Type.Optional(Type.Union([Type.Literal(512), Type.Literal(10_240)])),
              timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
              instanceConcurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
              role: Type.Optional(Type.String()),
              environmentVariables: Type.Optional(Type.Record(Type.String(), Type.String())),
              customRuntimeConfig: Type.Optional(
                Type.Object(
                  {
                    command: Type.Optional(Type.Array(Type.String())),
                    args: Type.Optional(Type.Array(Type.String())),
                    port: Type.Optional(Type.Number()),
                  },
                  loose,
                ),
              ),
              instanceLifecycleConfig: Type.Optional(Any),
              vpcConfig: Type.Optional(
                Type.Union([
                  Type.Literal('auto'),
                  Type.Object({ vpcId: Type.String(), vSwitchIds: Type.Array(Type.String()), securityGroupId: Type.String() }, loose),
                ]),
              ),
              logConfig: Type.Optional(
                Type.Union([Type.Literal('auto'), Type.Object({ project: Type.String(), logstore: Type.String() }, loose)]),
              ),
              tags: Type.Optional(Type.Array(Type.Object({ key: Type.String(), value: Type.String() }, loose))),
              triggers: Type.Array(
                Type.Object(
                  {
                    triggerName: Text,
                    triggerType: Type.Literal('eventbridge'),
                    triggerConfig: Type.Object(
                      {
                        triggerEnable: Type.Boolean(),
                        asyncInvocationType: Type.Boolean(),
                        eventRuleFilterPattern: Type.String(),
                        eventSourceConfig: Type.Object({ eventSourceType: Type.String(), eventSourceParameters: Any }, loose),
                        eventSinkConfig: Type.Object({ deliveryOption: Any }, loose),
                        runOptions: Any,
                      },
                      loose,
                    ),
                  },
                  loose,
                ),
              ),
            },
            loose,
          ),
        },
        loose,
      ),
    ),
  },
  loose,
);

/** What the component lets pass: names in the wrong case, which the service then ignores, and numbers that it refuses. */
const triggerConfigSchema = Type.Object(
  {
    triggerEnable: Type.Boolean(),
    asyncInvocationType: Type.Literal(false, { description: 'Called asynchronously, a batch would count as delivered before it is.' }),
    eventRuleFilterPattern: Type.String({ pattern: '^\\{' }),
    eventSourceConfig: Type.Object(
      {
        eventSourceType: Type.Literal('Kafka'),
        eventSourceParameters: Type.Object(
          {
            sourceKafkaParameters: Type.Object(
              {
                RegionId: Text,
                InstanceId: Text,
                Topic: Text,
                ConsumerGroup: Text,
                OffsetReset: Type.Union([Type.Literal('earliest'), Type.Literal('latest')]),
                Network: Type.Union([Type.Literal('Default'), Type.Literal('PublicNetwork')]),
                VpcId: Type.Optional(Text),
                VSwitchIds: Type.Optional(Type.Array(Text, { minItems: 1 })),
                SecurityGroupId: Type.Optional(Text),
              },
              strict,
            ),
          },
          strict,
        ),
      },
      strict,
    ),
    eventSinkConfig: Type.Object(
      {
        deliveryOption: Type.Object(
          {
            eventSchema: Type.Literal('CloudEvents', { description: 'RawData of text has no offsets.' }),
            concurrency: Type.Integer({ minimum: 1, maximum: 300 }),
          },
          strict,
        ),
      },
      strict,
    ),
    runOptions: Type.Object(
      {
        mode: Type.Literal('event-streaming'),
        maximumTasks: Type.Integer({ minimum: 1 }),
        errorsTolerance: Type.Union([Type.Literal('NONE'), Type.Literal('ALL')]),
        retryStrategy: Type.Object(
          {
            PushRetryStrategy: Type.Union([Type.Literal('EXPONENTIAL_DECAY_RETRY'), Type.Literal('BACKOFF_RETRY')]),
            MaximumEventAgeInSeconds: Type.Integer({ minimum: 0 }),
            MaximumRetryAttempts: Type.Integer({ minimum: 0 }),
          },
          strict,
        ),
        deadLetterQueue: Type.Optional(Type.Object({ Arn: Type.String({ pattern: '^acs:' }) }, strict)),
        batchWindow: Type.Object(
          {
            CountBasedWindow: Type.Integer({ minimum: 1, maximum: 10_000 }),
            TimeBasedWindow: Type.Integer({ minimum: 0, maximum: 15 }),
          },
          strict,
        ),
      },
      strict,
    ),
  },
  strict,
);

interface Trigger {
  readonly triggerConfig: {
    readonly eventSourceConfig: { readonly eventSourceParameters: { readonly sourceKafkaParameters: { readonly Topic: string } } };
    readonly runOptions: { readonly errorsTolerance: string; readonly deadLetterQueue?: { readonly Arn: string } };
  };
}

const maxTimeoutSeconds = 300;
const maxEnvironmentBytes = 4096;

/** What the deploy tool's component would refuse in an s.yaml, and what it would let pass although the service ignores it or loses records by it. */
export function checkServiceFile(file: unknown): readonly Problem[] {
  const { value, problems } = readConfig(componentSchema, file, 's.yaml');
  if (problems.length > 0) return problems;
  return Object.entries(value.resources).flatMap(([name, { props }]) => {
    const at = `s.yaml.resources.${name}.props`;
    const found: Problem[] = [];
    const refuse = (path: string, message: string): void => void found.push({ path: `${at}.${path}`, message });
    if ((props.timeout ?? 0) > maxTimeoutSeconds)
      refuse('timeout', `A call of the trigger ends after ${maxTimeoutSeconds} seconds. Set timeout to ${maxTimeoutSeconds} or less.`);
    const environment = Object.entries(props.environmentVariables ?? {});
    if (environment.reduce((bytes, [variable, text]) => bytes + Buffer.byteLength(variable + text), 0) > maxEnvironmentBytes)
      refuse(
        'environmentVariables',
        `The environment holds ${maxEnvironmentBytes} bytes at most. Move what is large into connector.settings.`,
      );
    for (const [index, trigger] of props.triggers.entries()) {
      const path = `triggers[${index}].triggerConfig`;
      const read = readConfig(triggerConfigSchema, trigger.triggerConfig, `${at}.${path}`);
      found.push(...read.problems);
      if (read.problems.length === 0) for (const message of lossy({ triggerConfig: read.value })) refuse(`${path}.runOptions`, message);
    }
    return found;
  });
}

function lossy({ triggerConfig: { eventSourceConfig, runOptions } }: Trigger): string[] {
  const { errorsTolerance, deadLetterQueue } = runOptions;
  const { Topic } = eventSourceConfig.eventSourceParameters.sourceKafkaParameters;
  const messages: string[] = [];
  if (errorsTolerance === 'ALL' && deadLetterQueue === undefined)
    messages.push('With errorsTolerance ALL and no deadLetterQueue records are dropped in silence. Set one, or errorsTolerance: NONE.');
  if (deadLetterQueue?.Arn.endsWith(`/topic/${Topic}`) === true)
    messages.push('The deadLetterQueue is the topic that is read: what is given up would come back for ever. Set another.');
  return messages;
}
