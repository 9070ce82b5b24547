import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError, DataError } from '../../../../lib/core/errors.ts';
import { recordIds } from '../../../../lib/sinks/webhook/idempotency.ts';
import { urlTemplate } from '../../../../lib/sinks/webhook/url.ts';
import { record } from '../../../support/records.ts';

/** Any code units, lone surrogates and control characters included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f)), { minLength: 1, maxLength: 12 })
  .map((units) => String.fromCharCode(...units));

const open = (url: string, options: { allow?: string[]; maxTargets?: number; now?: () => number } = {}) =>
  urlTemplate({ url, allow: [], maxTargets: 100, now: () => 0, ...options }, recordIds('test'));
const codeOf = (work: () => unknown) => {
  try {
    return String(work());
  } catch (error) {
    return error instanceof ConnectorError ? `${error.class} ${error.code}` : String(error);
  }
};

describe('urlTemplate', () => {
  it('fills in path and query, percent-encoded', () => {
    const { urlOf } = open('https://api.test/v1/{topic}/items/{key}?n={value.n}&o={partition}-{offset}');
    expect(urlOf(record('a b?c#d&é', { n: 'x&y=1' }, { topic: 'quakes', offset: 7 })).href).toBe(
      'https://api.test/v1/quakes/items/a%20b%3Fc%23d%26%C3%A9?n=x%26y%3D1&o=0-7',
    );
  });

  it('keeps a URL without placeholders as it is', () => {
    const { urlOf, constant } = open('https://api.test:8443/hook?token=a%20b');
    expect(constant?.href).toBe('https://api.test:8443/hook?token=a%20b');
    expect(urlOf(record('a', 1))).toBe(constant);
  });

  it.each([
    'https://{key}/',
    'https://api{key}.test/',
    'https://api.test:{value.port}/',
    'ftp://api.test/',
    '/hook',
    '{value.url}',
    'https://api.test\\{key}',
  ])('refuses %s: a record may not choose scheme, host or port', (url) => {
    expect(codeOf(() => open(url))).toBe('config CONFIG_INVALID');
  });

  it.each(['https://user:pass@api.test/', 'https://api.test@evil.test/'])('refuses credentials in %s', (url) => {
    expect(codeOf(() => open(url))).toBe('config CONFIG_INVALID');
  });

  it('wants an allow-list where records choose the first part of the path, and holds them to it', () => {
    expect(codeOf(() => open('https://api.test/{value.name}'))).toBe('config CONFIG_INVALID');
    const { urlOf } = open('https://api.test/{value.name}/new', { allow: ['/orders/*', '/bills/new'] });
    expect(urlOf(record('a', { name: 'orders' })).pathname).toBe('/orders/new');
    expect(urlOf(record('a', { name: 'bills' })).pathname).toBe('/bills/new');
    expect(codeOf(() => urlOf(record('a', { name: 'admin' })))).toBe('data TARGET_NOT_ALLOWED');
    for (const allow of ['orders', '/*', '*', '/a*b*'])
      expect(codeOf(() => open('https://api.test/{key}', { allow: [allow] }))).toBe('config CONFIG_INVALID');
  });

  it('takes a prefix with any characters, and a % only where it means something', () => {
    expect(open('https://api.test/käse & brot/{key}').urlOf(record('a', 1)).pathname).toBe('/k%C3%A4se%20&%20brot/a');
    expect(open('https://api.test/{value.n}', { allow: ['/ä b/*', '/x'] }).urlOf(record('a', { n: 'x' })).pathname).toBe('/x');
    expect(codeOf(() => open('https://api.test/100%/{key}'))).toBe('config CONFIG_INVALID');
  });

  it('lets a record choose a target only where the URL has a place for it', () => {
    expect(codeOf(() => open('https://api.test/hook').urlOf(record('a', 1, { target: 'x' })))).toBe('data TARGET_NOT_ALLOWED');
    expect(open('https://api.test/to/{target}').urlOf(record('a', 1, { target: 'x' })).pathname).toBe('/to/x');
  });

  it.each(['..', '.', 'a/b', 'a\\b', '%2e%2e', 'a%2Fb', '%252e', '\0', 'a\nb', '\ud800', ''])('refuses %j as a part of the path', (key) => {
    const { urlOf } = open('https://api.test/items/{key}');
    expect(codeOf(() => urlOf(record(key, 1)))).toMatch(/^data (?:TARGET_INVALID|NAME_UNRESOLVED)$/);
  });

  it('takes no more collections than the cap in a day, and any number of things in each', () => {
    let nowMs = 0;
    const { urlOf } = open('https://api.test/t/{value.tenant}/{key}', { maxTargets: 2, now: () => nowMs });
    for (let n = 0; n < 500; n++) urlOf(record(`key-${n}`, { tenant: `t${n % 2}` }));
    expect(codeOf(() => urlOf(record('a', { tenant: 't2' })))).toBe('data TOO_MANY_TARGETS');
    nowMs = 86_400_000;
    expect(urlOf(record('a', { tenant: 't2' })).pathname).toBe('/t/t2/a');
  });

  it('never leaves origin and prefix, whatever a record holds', () => {
    const { urlOf } = open('https://api.test/items/x-{key}/{value.a}?q={value.b}');
    const nasty = fc.oneof(
      anyText,
      fc
        .array(fc.constantFrom('..', '/', '\\', '%2e', '%2f', '@', ':', '?', '#', '\r\n', 'a', '.', '//', ' ', '\t', ';'), { maxLength: 6 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(nasty, nasty, nasty, (key, a, b) => {
        try {
          const url = urlOf(record(key, { a, b }));
          expect([url.origin, url.pathname.startsWith('/items/x-'), url.pathname.split('/').length, url.hash]).toEqual([
            'https://api.test',
            true,
            4,
            '',
          ]);
          expect(decodeURIComponent(url.pathname)).toBe(`/items/x-${key}/${a}`);
          expect([...url.searchParams]).toEqual([['q', b]]);
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
