import { type Static, Type } from 'typebox';
import type { ConnectorName } from '../../../core/consumer-group.ts';
import { deployed } from '../../../core/deployed.ts';
import { type InvocationMetrics, metricsNamespace } from '../metrics.ts';
import { logicalId, type Resource, type Resources } from './resources.ts';

/** `sluice.alarms` of serverless.yml: which alarms each connector gets. */
export const alarmsSchema = Type.Object(
  {
    notify: Type.Array(deployed(Type.String({ pattern: '^arn:' }), 'arn:aws:sns:known-at-deployment'), {
      default: [],
      description: 'ARNs of the SNS topics that an alarm tells.',
    }),
    lag: Type.Optional(Type.Integer({ minimum: 1, description: 'Records behind the end of a topic, for five minutes.' })),
    oldestRecordSeconds: Type.Optional(Type.Integer({ minimum: 1, description: 'Age of the oldest record of a batch, for five minutes.' })),
    deadLetters: Type.Optional(Type.Integer({ minimum: 1, description: 'Dead letters within five minutes.' })),
    configErrors: Type.Boolean({ default: true, description: 'Whether something that a person has to change raises an alarm at once.' }),
    redelivered: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Records that had to wait for the target, within each of three five-minute periods.' }),
    ),
    functionErrors: Type.Optional(Type.Integer({ minimum: 1, description: 'Failed invocations within five minutes.' })),
  },
  { additionalProperties: false, description: 'CloudWatch alarms for each connector.' },
);
export type Alarms = Static<typeof alarmsSchema>;

interface Alarm {
  readonly title: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly statistic: 'Sum' | 'Maximum';
  readonly threshold: number;
  readonly periods: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** The alarms of one connector, on the metrics that its function writes and those of Lambda. */
export function connectorAlarms(name: ConnectorName, functionName: string, alarms: Alarms): Resources {
  const { notify, lag, oldestRecordSeconds, deadLetters, configErrors, redelivered, functionErrors } = alarms;
  const ofFunction = { FunctionName: functionName };
  const own = (
    metric: keyof InvocationMetrics,
    title: string,
    description: string,
    threshold: number | undefined,
    periods: number,
  ): Alarm[] =>
    threshold === undefined
      ? []
      : [
          {
            ...{ title, description, threshold, periods, metric },
            namespace: metricsNamespace,
            statistic: metric === 'oldestRecordMs' ? 'Maximum' : 'Sum',
            dimensions: { ...name },
          },
        ];
  const ofLambda = (
    metric: string,
    statistic: Alarm['statistic'],
    title: string,
    description: string,
    threshold: number | undefined,
  ): Alarm[] =>
    threshold === undefined
      ? []
      : [{ ...{ title, description, threshold, metric, statistic }, periods: 1, namespace: 'AWS/Lambda', dimensions: ofFunction }];
  const wanted = [
    ...own(
      'configErrors',
      'ConfigErrors',
      'needs a person: nothing is acknowledged until something is changed',
      configErrors ? 1 : undefined,
      1,
    ),
    ...own('deadLettered', 'DeadLetters', 'puts records into its dead letter topic', deadLetters, 1),
    ...own('redelivered', 'Redelivered', 'waits for its target', redelivered, 3),
    ...own('oldestRecordMs', 'OldestRecord', 'is behind', oldestRecordSeconds === undefined ? undefined : oldestRecordSeconds * 1_000, 1),
    ...ofLambda('OffsetLag', 'Maximum', 'Lag', 'is behind', lag),
    ...ofLambda('Errors', 'Sum', 'Errors', 'fails', functionErrors),
  ];
  return Object.fromEntries(wanted.map((alarm) => [`${logicalId(name.connector)}${alarm.title}Alarm`, resourceOf(name, alarm, notify)]));
}

function resourceOf({ service, stage, connector }: ConnectorName, alarm: Alarm, notify: readonly string[]): Resource {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${service}-${stage}-${connector}-${alarm.title}`,
      AlarmDescription: `Connector ${connector} ${alarm.description}.`,
      Namespace: alarm.namespace,
      MetricName: alarm.metric,
      Dimensions: Object.entries(alarm.dimensions).map(([Name, Value]) => ({ Name, Value })),
      Statistic: alarm.statistic,
      Period: 300,
      EvaluationPeriods: alarm.periods,
      Threshold: alarm.threshold,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      ...(notify.length === 0 ? {} : { AlarmActions: notify, OKActions: notify }),
    },
  };
}
