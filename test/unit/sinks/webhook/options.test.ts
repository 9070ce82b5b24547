import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../lib/core/config.ts';
import { webhook } from '../../../../lib/sinks/webhook.ts';

const problems = (config: object) =>
  (webhook.check?.(parseConfig(webhook.config, { url: 'https://api.test/hook', ...config }, 'connector.sink')) ?? []).map(({ path }) =>
    path.replace('connector.sink.', ''),
  );

describe('options of webhook', () => {
  it('need nothing but a URL', () => {
    expect(problems({})).toEqual([]);
  });

  it('take every mode that the definition shows', () => {
    for (const { config } of webhook.modes ?? []) expect(problems(config)).toEqual([]);
  });

  it.each([
    ['url', { url: 'https://{key}/' }],
    ['headers', { headers: { host: 'x' } }],
    ['headers', { headers: { Authorization: 'Bearer x' } }],
    ['headers', { secretHeaders: { 'content-length': { env: 'X' } } }],
    ['headers', { headers: { 'Proxy-Authorization': 'x' } }],
    ['headers', { headers: { 'Content-Type': 'text/xml' } }],
    ['contentType', { contentType: 'text/plain', batch: {} }],
    ['body', { body: { a: '{nonsense}' } }],
    ['body', { body: { a: 1 }, contentType: 'text/plain' }],
    ['batch.wrapper', { batch: { wrapper: { a: 1 } } }],
    ['batch.wrapper', { batch: { format: 'lines', wrapper: { a: '{items}' } } }],
    ['batch.answer', { batch: { answer: {} } }],
    ['batch.answer.index', { batch: { answer: { lists: 'failures' } } }],
    ['tombstones', { tombstones: 'delete' }],
    ['tombstones', { tombstones: 'delete', url: 'https://api.test/x/{key}', batch: {} }],
    ['receiverDeduplicates', { receiverDeduplicates: true, batch: {} }],
    ['idempotencyHeader', { receiverDeduplicates: true, idempotencyHeader: false }],
    ['method', { method: 'GET', batch: {} }],
    ['tls', { tls: { cert: '-----BEGIN CERTIFICATE-----' } }],
  ])('say what is wrong with %s', (path, config) => {
    expect(problems(config)).toContain(path);
  });

  it('claim to be idempotent only where the receiver is said to be', () => {
    const claims = (config: object) =>
      webhook.guarantees(parseConfig(webhook.config, { url: 'https://api.test/', ...config }, 'connector.sink'));
    expect(claims({})).toEqual({ idempotent: false, ordered: false, deletes: false, partial: true });
    expect(claims({ receiverDeduplicates: true, tombstones: 'delete' })).toMatchObject({ idempotent: true, deletes: true });
  });

  it('refuse a literal where a secret belongs', () => {
    expect(() => problems({ auth: { type: 'bearer', token: 'sentinel' } })).toThrow('reference to a secret');
    expect(() => problems({ method: 'post' })).toThrow('method');
    expect(() => problems({ success: ['2xx'] })).toThrow('success');
  });
});
