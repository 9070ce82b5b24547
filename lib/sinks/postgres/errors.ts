import { DatabaseError } from 'pg';
import { ConfigError, type ConnectorError, DataError, errorName, RetriableError } from '../../core/errors.ts';
import type { ErrorRule } from '../../core/sink.ts';

export interface SqlStateClass {
  /** A SQLSTATE, or the first characters of several. The longest one that fits counts. */
  readonly state: string;
  readonly class: 'retriable' | 'data' | 'config';
  readonly meaning: string;
}

/** What each SQLSTATE means for the record. What is not listed is retriable. */
export const sqlStates: readonly SqlStateClass[] = [
  { state: '08', class: 'retriable', meaning: 'the connection failed' },
  { state: '0A', class: 'config', meaning: 'the server does not support what is asked' },
  { state: '21', class: 'data', meaning: 'a statement touched a row twice' },
  { state: '22', class: 'data', meaning: 'a value does not fit its column' },
  { state: '23', class: 'data', meaning: 'a constraint is violated' },
  { state: '25', class: 'retriable', meaning: 'the transaction cannot go on' },
  { state: '25006', class: 'retriable', meaning: 'the server is read only, as a standby is before it takes over' },
  { state: '28', class: 'config', meaning: 'the server refuses the role or its password' },
  { state: '3D', class: 'config', meaning: 'the database does not exist' },
  { state: '3F', class: 'config', meaning: 'the schema does not exist' },
  { state: '40', class: 'retriable', meaning: 'the transaction was rolled back, e.g. by a deadlock' },
  { state: '42', class: 'config', meaning: 'the table is not as expected, or the role may not write to it' },
  { state: '44', class: 'data', meaning: 'the row is outside of its view' },
  { state: '53', class: 'retriable', meaning: 'the server is short of connections, memory or disk' },
  { state: '54', class: 'data', meaning: 'the row is larger than a limit of the server' },
  { state: '55', class: 'retriable', meaning: 'a lock could not be had, or the server is not in the right state' },
  { state: '57', class: 'retriable', meaning: 'an operator or a timeout ended the statement' },
  { state: '58', class: 'retriable', meaning: 'the system under the server failed' },
  { state: 'P0', class: 'data', meaning: 'a trigger refused the row' },
  { state: 'XX', class: 'retriable', meaning: 'the server failed' },
];

/** The same as the reference page shows it, with what has no SQLSTATE. */
export const errorRules: readonly ErrorRule[] = [
  ...sqlStates.map(({ state, class: kind, meaning }) => ({
    when: `SQLSTATE ${state.length < 5 ? `${state}…` : state}`,
    class: kind,
    meaning,
  })),
  { when: 'any other SQLSTATE', class: 'retriable', meaning: 'the statement failed' },
  { when: 'no connection, or no answer in time', class: 'retriable', meaning: 'the server cannot be reached' },
  { when: 'a certificate that is not trusted', class: 'config', meaning: 'the server, or its name, is not who it should be' },
  { when: 'a newer version in the row', class: 'ignored', meaning: 'the guard kept an older record out' },
  {
    when: 'a version that cannot be compared',
    class: 'config',
    meaning: 'GUARD_AHEAD: the topic was created again or its partitions changed',
  },
  { when: 'a value or key that fits no column', class: 'data', meaning: 'found before anything is sent' },
];

export function classOf(state: string): SqlStateClass {
  let found: SqlStateClass = { state: '', class: 'retriable', meaning: 'the statement failed' };
  for (const entry of sqlStates) if (state.startsWith(entry.state) && entry.state.length > found.state.length) found = entry;
  return found;
}

/** States that say that the table is not what it was when it was looked up. */
export const staleStates: ReadonlySet<string> = new Set(['42P01', '42703', '42804', '42P10', '3F000', '42883', '42846']);

export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** The server's own words are left out, also as a cause: they repeat values. Names of tables, columns and constraints say enough. */
export function toConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConfigError || error instanceof DataError || error instanceof RetriableError) return error;
  if (error instanceof DatabaseError) return fromServer(error);
  const code = codeOf(error);
  if (code !== undefined && (tlsCodes.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')))
    return new ConfigError(
      'SINK_MISCONFIGURED',
      `PostgreSQL could not be trusted: ${code}. Set connector.sink.tls.ca to the authority that signed its certificate, or connector.sink.tls.servername to its name.`,
    );
  const message = error instanceof Error ? error.message : '';
  if (message.startsWith('The server does not support SSL'))
    return new ConfigError('SINK_MISCONFIGURED', 'PostgreSQL does not take encrypted connections. Set connector.sink.tls to false.');
  if (message.startsWith('SASL'))
    return new ConfigError(
      'SINK_UNAUTHORIZED',
      'PostgreSQL asks for a password. Set connector.sink.password, or one in connector.sink.url.',
      {
        unauthorized: true,
      },
    );
  return new RetriableError('SINK_UNAVAILABLE', `PostgreSQL cannot be reached: ${code ?? errorName(error)}`);
}

function fromServer(error: DatabaseError): ConnectorError {
  const state = error.code ?? '';
  const { class: kind, meaning } = isOutOfTransactions(error) ? outOfTransactions : classOf(state);
  const where = [
    ...(error.table === undefined ? [] : [`table ${JSON.stringify(error.table)}`]),
    ...(error.column === undefined ? [] : [`column ${JSON.stringify(error.column)}`]),
    ...(error.constraint === undefined ? [] : [`constraint ${JSON.stringify(error.constraint)}`]),
  ].join(', ');
  const found = `${meaning} (SQLSTATE ${state}${where === '' ? '' : `, ${where}`})`;
  if (kind === 'data') return new DataError('SINK_REJECTED_RECORD', `PostgreSQL refused the record: ${found}`);
  if (kind === 'retriable') return new RetriableError('SINK_UNAVAILABLE', `PostgreSQL could not do it now: ${found}`);
  const unauthorized = state.startsWith('28');
  const code = unauthorized
    ? 'SINK_UNAUTHORIZED'
    : state === '42P01' || state.startsWith('3')
      ? 'SINK_TARGET_MISSING'
      : 'SINK_MISCONFIGURED';
  return new ConfigError(code, `PostgreSQL cannot be written to: ${found}. ${advice(state)}`, { unauthorized });
}

const outOfTransactions: SqlStateClass = { state: '54000', class: 'retriable', meaning: 'the database has to be vacuumed first' };

/** The server refuses every write then, by the state that a row too large has as well. */
function isOutOfTransactions({ routine }: DatabaseError): boolean {
  return routine === 'GetNewTransactionId' || routine === 'GetNewMultiXactId';
}

function advice(state: string): string {
  if (state.startsWith('28')) return 'Check user and password in connector.sink.';
  if (state.startsWith('3D')) return 'Check database in connector.sink.';
  if (state === '42501') return 'Grant the role what connector.sink.write needs.';
  return 'Check connector.sink against the table.';
}

const tlsCodes = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'HOSTNAME_MISMATCH',
]);

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
