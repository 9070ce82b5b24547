import { jsonFlag, list, type ServiceArguments, serviceFlags, text } from '../flags.ts';

export interface ControlArguments extends ServiceArguments {
  readonly on?: string;
  readonly workers?: readonly string[];
  readonly json?: boolean;
}

export interface KafkaArguments extends ControlArguments {
  readonly brokers?: string;
}

/** Options of commands that look at or steer what runs, on Lambda or in workers. */
export const controlFlags = {
  ...serviceFlags,
  on: text('Where it runs: lambda or worker; otherwise workers of this folder where some run, and Lambda where none do', 'platform'),
  workers: list('A worker elsewhere, by its control URL; its token is in SLUICE_CONTROL_TOKEN', 'url'),
  json: jsonFlag,
} as const;

/** The same for those that ask Kafka too. */
export const kafkaFlags = { ...controlFlags, brokers: text('Brokers instead of those of the service', 'host:port') } as const;

/** Names of connectors, all when there are none. */
export const someConnectors = {
  kind: 'array',
  parameter: { brief: 'Connectors; all when none is named', placeholder: 'name', parse: String },
} as const;

export const oneConnector = {
  kind: 'tuple',
  parameters: [{ brief: 'The connector', placeholder: 'name', parse: String }],
} as const;
