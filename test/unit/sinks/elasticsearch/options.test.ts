import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../../lib/core/config.ts';
import { isIndexName } from '../../../../lib/sinks/elasticsearch/options.ts';
import { elasticsearch } from '../../../../lib/sinks/elasticsearch.ts';

const read = (options: object) => {
  const { value, problems } = readConfig(
    elasticsearch.config,
    { node: 'http://localhost:9200', index: 'quakes', ...options },
    'connector.sink',
  );
  expect(problems).toEqual([]);
  return value;
};
const problemsOf = (options: object) => elasticsearch.check?.(read(options)).map(({ path }) => path.replace('connector.sink.', ''));

describe('check', () => {
  it.each([
    [{}],
    [{ id: 'record' }],
    [{ id: { fields: ['id'] }, guard: { field: 'ts' } }],
    [{ write: 'update' }],
    [{ write: 'update', deletes: 'hard', metadata: false }],
    [{ write: 'create', id: 'record', metadata: false }],
    [{ write: 'create', dataStream: true, id: 'record' }],
    [{ node: ['https://a:9200', 'https://b:9200'], tls: { verify: false } }],
    [{ username: 'u', password: { env: 'P' } }],
    [{ index: '{value.kind}', allow: ['kind-*'] }],
    [{ index: 'quakes-{timestamp:yyyy-MM}' }],
  ])('accepts %j', (options) => {
    expect(problemsOf(options)).toEqual([]);
  });

  it.each([
    [{ write: 'update', guard: 'version' }, ['guard']],
    [{ write: 'create', guard: { field: 'ts' } }, ['guard']],
    [{ id: 'record', guard: 'version' }, ['guard']],
    [{ id: { fields: ['id'] }, guard: 'version' }, ['guard']],
    [{ guard: { field: 'ts' }, deletes: 'soft' }, ['deletes']],
    [{ id: 'record', deletes: 'hard' }, ['deletes']],
    [{ write: 'create', deletes: 'soft' }, ['deletes']],
    [{ routing: { field: 'tenant' } }, ['routing']],
    [{ dataStream: true }, ['dataStream']],
    [{ metadata: false }, ['metadata']],
    [{ metadata: false, guard: 'none' }, ['metadata']],
    [{ write: 'create', metadata: false }, ['metadata']],
    [{ node: 'https://elastic:secret@localhost' }, ['node']],
    [{ node: 'kafka://localhost' }, ['node']],
    [{ tls: { verify: true } }, ['tls']],
    [{ apiKey: { env: 'A' }, bearer: { env: 'B' } }, ['apiKey']],
    [{ apiKey: { env: 'A' }, username: 'u', password: { env: 'P' } }, ['apiKey']],
    [{ username: 'u' }, ['username']],
    [{ index: 'Quakes' }, ['index']],
    [{ index: '{value.kind}' }, ['index']],
    [{ index: '{nonsense}' }, ['index']],
  ])('refuses %j', (options, expected) => {
    expect(problemsOf(options)).toEqual(expected);
  });

  it('never repeats a password that stands in the address', () => {
    expect(JSON.stringify(elasticsearch.check?.(read({ node: 'https://elastic:hunter2@localhost' })))).not.toContain('hunter2');
  });
});

describe('guarantees', () => {
  it.each([
    [{}, { idempotent: true, ordered: true, deletes: true }],
    [{ deletes: 'hard' }, { idempotent: true, ordered: false, deletes: true }],
    [{ deletes: 'ignore' }, { idempotent: true, ordered: true, deletes: false }],
    [{ guard: 'none' }, { idempotent: true, ordered: false, deletes: true }],
    [{ id: 'record' }, { idempotent: true, ordered: false, deletes: false }],
    [
      { id: { fields: ['id'] }, guard: { field: 'ts' } },
      { idempotent: true, ordered: true, deletes: false },
    ],
    [
      { write: 'create', id: 'record' },
      { idempotent: true, ordered: false, deletes: false },
    ],
    [
      { write: 'create', id: 'record', dataStream: true },
      { idempotent: false, ordered: false, deletes: false },
    ],
    [{ write: 'update' }, { idempotent: true, ordered: false, deletes: true }],
  ])('with %j are %j', (options, expected) => {
    expect(elasticsearch.guarantees(read(options))).toEqual({ ...expected, partial: true });
  });
});

describe('names of indices', () => {
  it.each([['quakes'], ['quakes-2026.11.21'], ['a_b'], ['żółć'], ['a'.repeat(255)]])('takes %s', (name) => {
    expect(isIndexName(name)).toBe(true);
  });

  it.each([
    ['Quakes'],
    ['a b'],
    ['a,b'],
    ['a*'],
    ['a/b'],
    ['a#b'],
    ['cluster:a'],
    ['<a-{now/d}>'],
    ['-a'],
    ['_all'],
    ['+a'],
    ['.kibana'],
    ['a'.repeat(256)],
  ])('does not take %s', (name) => {
    expect(isIndexName(name)).toEqual(expect.any(String));
  });
});
