import { type ConnectorDefinition, definitionKey, openConnector, realClock } from './compose.ts';
import type { SinkDefinition } from './core/sink.ts';
import type { Transform } from './core/transform.ts';
import { settingsKey } from './platforms/lambda/function-settings.ts';
import { lambdaHandler } from './platforms/lambda/handler.ts';

export { Type } from 'typebox';
export { ConfigError, ConnectorError, DataError, RetriableError } from './core/errors.ts';
export type { Log } from './core/log.ts';
export type { Header, KafkaRecord, LogicalType, Origin, RecordSchema, SchemaField, Version } from './core/record.ts';
export { type ReadSecret, Secret, type SecretReference } from './core/secret.ts';
export {
  defineSink,
  type Guarantees,
  type Limits,
  type OpenContext,
  type Outcome,
  type Permission,
  type Sink,
  type SinkDefinition,
  type WriteOptions,
} from './core/sink.ts';
export type { Transform, TransformContext, TransformInput } from './core/transform.ts';
export type { KafkaTriggerEvent, KafkaTriggerResponse } from './platforms/lambda/event.ts';

export interface ConnectOptions<In, Out> {
  readonly sink: SinkDefinition;
  readonly transform?: Transform<In, Out>;
}

/** Declares a connector: the function that Lambda calls, and what workers and tools read its sink and transform from. */
export function connect<In = unknown, Out = unknown>({ sink, transform }: ConnectOptions<In, Out>) {
  const definition: ConnectorDefinition = transform === undefined ? { sink } : { sink, transform: transform as Transform };
  const handler = lambdaHandler({
    sink,
    settings: () => Reflect.get(globalThis, settingsKey),
    open: ({ name, settings, cluster }, { log, reportBatch }) =>
      openConnector(definition, { name, settings, cluster, environment: { env: process.env, clock: realClock, log, reportBatch } }),
    env: process.env,
    now: realClock.now,
    print: (line) => void process.stdout.write(`${line}\n`),
  });
  return Object.assign(handler, { [definitionKey]: definition });
}
