import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';
import { classOf, sqlStates, toConnectorError } from '../../../../lib/sinks/postgres/errors.ts';

function serverError(code: string, fields: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError('invalid input syntax: "sentinel"', 1, 'error'), {
    code,
    detail: 'Key (id)=(sentinel)',
    ...fields,
  });
}

describe('the class of a SQLSTATE', () => {
  it.each([
    ['08006', 'retriable'],
    ['40P01', 'retriable'],
    ['40001', 'retriable'],
    ['53300', 'retriable'],
    ['57014', 'retriable'],
    ['57P01', 'retriable'],
    ['55P03', 'retriable'],
    ['25006', 'retriable'],
    ['XX000', 'retriable'],
    ['99999', 'retriable'],
    ['22P02', 'data'],
    ['23505', 'data'],
    ['23502', 'data'],
    ['54000', 'data'],
    ['P0001', 'data'],
    ['28P01', 'config'],
    ['3D000', 'config'],
    ['42501', 'config'],
    ['42P01', 'config'],
    ['0A000', 'config'],
  ])('%s is %s', (state, kind) => {
    expect(toConnectorError(serverError(state)).class).toBe(kind);
  });

  it('that means a row too large is retriable where the database takes no transactions any more', () => {
    for (const routine of ['GetNewTransactionId', 'GetNewMultiXactId'])
      expect(toConnectorError(serverError('54000', { routine }))).toBeInstanceOf(RetriableError);
    expect(toConnectorError(serverError('54000', { routine: '_bt_check_third_page' })).class).toBe('data');
  });

  it('is listed once for each prefix, with a meaning', () => {
    expect(new Set(sqlStates.map(({ state }) => state)).size).toBe(sqlStates.length);
    for (const { state, meaning } of sqlStates) expect(classOf(state.padEnd(5, '0')).meaning, state).toBe(meaning);
  });
});

describe('the message of an error', () => {
  it("names table, column and constraint and nothing of the server's own words", () => {
    const { message, cause } = toConnectorError(serverError('23505', { table: 'things', constraint: 'things_pkey' }));
    expect(message).toBe(
      'PostgreSQL refused the record: a constraint is violated (SQLSTATE 23505, table "things", constraint "things_pkey")',
    );
    expect(cause).toBeUndefined();
  });

  it('marks refused credentials, so that secrets are read again', () => {
    expect(toConnectorError(serverError('28P01'))).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
    expect(toConnectorError(serverError('42501'))).toMatchObject({ code: 'SINK_MISCONFIGURED', unauthorized: false });
  });

  it('tells an untrusted certificate from an unreachable server', () => {
    const untrusted = toConnectorError(Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }));
    expect(untrusted).toBeInstanceOf(ConfigError);
    expect(untrusted.message).toContain('connector.sink.tls.ca');
    expect(toConnectorError(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBeInstanceOf(RetriableError);
    expect(toConnectorError(new Error('Connection terminated unexpectedly'))).toBeInstanceOf(RetriableError);
    expect(toConnectorError('odd')).toBeInstanceOf(RetriableError);
  });
});
