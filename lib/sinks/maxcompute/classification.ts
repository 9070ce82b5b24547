import { ServiceError } from '../../clients/maxcompute/service-error.ts';
import { ConfigError, ConnectorError, DataError, errorName, RetriableError } from '../../core/errors.ts';
import type { ErrorRule } from '../../core/sink.ts';

/** One line of the classification: the first line that fits decides. */
export interface Rule {
  /** Codes of the service. */
  readonly codes?: readonly string[];
  /** One status, or a first and a last. */
  readonly status?: readonly [number, number];
  readonly class: 'retriable' | 'data' | 'config';
  readonly code: string;
  readonly meaning: string;
  /** What to do about it. */
  readonly advice?: string;
  readonly unauthorized?: boolean;
}

const checkCredentials =
  'Check connector.sink.credentials and region; the account needs CreateInstance on the project, and Describe, Alter and Update on the table.';

/** What each answer means. The codes decide, as the service answers one code with several statuses; statuses are for what has no code. */
export const rules: readonly Rule[] = [
  {
    codes: ['FlowExceeded', 'SlotExceeded', 'QPSExceeded'],
    class: 'retriable',
    code: 'SINK_THROTTLED',
    meaning: 'the slots or the flow of the tunnel quota are used up',
  },
  {
    codes: [
      'ServiceUnavailable',
      'InternalServerError',
      'RequestTimeOut',
      'DataUnderReplication',
      'IncompleteBody',
      'MetaTransactionFailed',
    ],
    class: 'retriable',
    code: 'SINK_UNAVAILABLE',
    meaning: 'the service cannot do it now',
  },
  {
    codes: ['ODPS-0010000', 'ODPS-0420153', 'ODPS-0110042', 'ODPS-0110141'],
    class: 'retriable',
    code: 'SINK_UNAVAILABLE',
    meaning: 'the service failed',
  },
  {
    codes: ['CorruptedDataStream', 'MalformedDataStream', 'InvalidData'],
    class: 'retriable',
    code: 'SINK_UNAVAILABLE',
    meaning: 'rows did not arrive as they were sent',
  },
  {
    codes: ['StatusConflict', 'NoSuchUpload', 'StreamSessionNotFound', 'InvalidStatusChange', 'InConsistentBlockList', 'UnexpectedAnswer'],
    class: 'retriable',
    code: 'SINK_SESSION_LOST',
    meaning: 'the session is over, and another one is opened',
  },
  {
    codes: ['DataCollisionException', 'CloseUploadSessionStatusConflictException'],
    class: 'retriable',
    code: 'SINK_SESSION_LOST',
    meaning: 'a commit collided with another one',
  },
  {
    codes: ['TableModified', 'DataVersionConflict', 'ObjectModified', 'SchemaModified', 'InvalidColumnSpec'],
    class: 'retriable',
    code: 'SINK_TABLE_CHANGED',
    meaning: 'the table was changed, and is looked up again',
  },
  {
    codes: ['RequestTimeTooSkewed', 'ODPS-0410031'],
    class: 'retriable',
    code: 'SINK_CLOCK',
    meaning: 'the clock of this machine is off by more than 15 minutes, and that of the service is used',
  },
  {
    codes: ['Unauthorized', 'SignatureDoesNotMatch', 'SignatureNotMatch', 'InvalidAccessKeyId', 'ODPS-0410042', 'ODPS-0410051'],
    class: 'config',
    code: 'SINK_UNAUTHORIZED',
    meaning: 'the credentials are refused',
    advice: checkCredentials,
    unauthorized: true,
  },
  {
    codes: ['AccessDenied', 'NoPermission', 'ODPS-0130013', 'ODPS-0420095'],
    class: 'config',
    code: 'SINK_UNAUTHORIZED',
    meaning: 'the account has no permission',
    advice: checkCredentials,
    unauthorized: true,
  },
  {
    codes: ['NoSuchTable', 'NoSuchObject', 'ODPS-0130131', 'NoSuchProject', 'NoSuchSchema', 'ODPS-0420111', 'InvalidProjectTable'],
    class: 'config',
    code: 'SINK_TARGET_MISSING',
    meaning: 'the table does not exist',
    advice: 'Create it, or check connector.sink.project, schema and table.',
  },
  {
    codes: ['NoSuchPartition', 'MissingPartitionSpec', 'InvalidPartitionSpec'],
    class: 'config',
    code: 'SINK_TARGET_MISSING',
    meaning: 'the partition does not exist',
    advice: 'Set connector.sink.createPartitions to true, or check connector.sink.partition.',
  },
  {
    codes: ['QuotaNotExist'],
    class: 'config',
    code: 'SINK_MISCONFIGURED',
    meaning: 'the tunnel quota does not exist',
    advice: 'Check connector.sink.quota.',
  },
  {
    codes: ['LegacyDateTransform'],
    class: 'config',
    code: 'SINK_MISCONFIGURED',
    meaning: 'the service stores dates by an old calendar, which would make them wrong',
    advice: 'Ask for another tunnel endpoint.',
  },
  {
    codes: ['TunnelEndpointUnknown'],
    class: 'config',
    code: 'SINK_MISCONFIGURED',
    meaning: 'the service did not name its tunnel endpoint',
    advice: 'Set connector.sink.tunnelEndpoint, and check connector.sink.endpoint.',
  },
  {
    codes: ['DataStoreError'],
    class: 'data',
    code: 'SINK_REJECTED_RECORD',
    meaning: 'a value breaks a constraint of its column',
  },
  {
    codes: ['MaxMessageLengthExceeded'],
    class: 'data',
    code: 'SINK_RECORD_TOO_LARGE',
    meaning: 'the record is larger than the service takes',
  },
  { status: [308, 308], class: 'retriable', code: 'SINK_SESSION_LOST', meaning: 'the slot moved to another server' },
  { status: [429, 429], class: 'retriable', code: 'SINK_THROTTLED', meaning: 'the service is throttling' },
  { status: [413, 413], class: 'data', code: 'SINK_RECORD_TOO_LARGE', meaning: 'the record is larger than the service takes' },
  {
    status: [401, 401],
    class: 'config',
    code: 'SINK_UNAUTHORIZED',
    meaning: 'the credentials are refused',
    advice: checkCredentials,
    unauthorized: true,
  },
  {
    status: [403, 403],
    class: 'config',
    code: 'SINK_UNAUTHORIZED',
    meaning: 'access is refused',
    advice: checkCredentials,
    unauthorized: true,
  },
  { status: [408, 408], class: 'retriable', code: 'SINK_UNAVAILABLE', meaning: 'the service did not get the request in time' },
  { status: [409, 409], class: 'retriable', code: 'SINK_UNAVAILABLE', meaning: 'the service is busy with another statement' },
  { status: [412, 412], class: 'retriable', code: 'SINK_TABLE_CHANGED', meaning: 'the table was changed, and is looked up again' },
  { status: [500, 599], class: 'retriable', code: 'SINK_UNAVAILABLE', meaning: 'the service is not available' },
  {
    status: [300, 499],
    class: 'config',
    code: 'SINK_MISCONFIGURED',
    meaning: 'the request is refused, or there is no MaxCompute at this address',
    advice: 'Check connector.sink.endpoint, tunnelEndpoint, project and table.',
  },
];

/** The classification as the reference page shows it. */
export const errorRules: readonly ErrorRule[] = rules.map(({ codes, status, class: kind, meaning }) => ({
  when: codes?.join(', ') ?? `HTTP ${status?.[0] === status?.[1] ? status?.[0] : status?.join(' to ')}`,
  class: kind,
  meaning,
}));

const unknown: Rule = { class: 'retriable', code: 'SINK_UNAVAILABLE', meaning: 'the service gave an answer nobody knows' };

/** The first rule that fits. */
export function ruleFor(status: number, code: string | undefined): Rule {
  const fits = (rule: Rule): boolean =>
    rule.codes === undefined
      ? rule.status !== undefined && status >= rule.status[0] && status <= rule.status[1]
      : code !== undefined && rule.codes.includes(code);
  return rules.find(fits) ?? unknown;
}

/** The error of the connector for anything that a call threw. The service's own words are left out, as they may repeat values. */
export function toConnectorError(error: unknown, signal: AbortSignal): ConnectorError {
  if (error instanceof ConnectorError) return error;
  if (signal.aborted) return new RetriableError('ABORTED', 'The time for writing is over');
  if (error instanceof ServiceError) return fromService(error);
  const code = codeOf(error);
  if (code !== undefined && /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_)/.test(code))
    return new ConfigError('SINK_TLS', `MaxCompute cannot be trusted: ${code}. Check connector.sink.endpoint and tunnelEndpoint.`);
  if (code === 'ETIMEDOUT') return new RetriableError('SINK_TIMEOUT', 'MaxCompute did not answer in time');
  return new RetriableError('SINK_UNREACHABLE', `MaxCompute cannot be reached: ${code ?? errorName(error)}`);
}

/** As `toConnectorError`, in a session that had its partition: where partitions are created, the next session creates one that was dropped since. */
export function toSessionError(
  error: unknown,
  signal: AbortSignal,
  { createPartitions }: { readonly createPartitions: boolean },
): ConnectorError {
  const isDropped = createPartitions && error instanceof ServiceError && error.code === 'NoSuchPartition';
  if (isDropped)
    return new RetriableError('SINK_SESSION_LOST', 'MaxCompute: the partition was dropped, and is created again (NoSuchPartition)');
  return toConnectorError(error, signal);
}

function fromService({ status, code, requestId, retryAfterMs }: ServiceError): ConnectorError {
  const rule = ruleFor(status, code);
  const where = [code ?? String(status), ...(requestId === undefined ? [] : [`request ${requestId}`])].join(', ');
  const message = `MaxCompute: ${rule.meaning} (${where})`;
  if (rule.class === 'retriable') return new RetriableError(rule.code, message, { retryAfterMs });
  if (rule.class === 'data') return new DataError(rule.code, message);
  const advice = rule.advice === undefined ? '' : ` ${rule.advice}`;
  return new ConfigError(rule.code, `${message}.${advice}`, { unauthorized: rule.unauthorized ?? false });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
