import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalString, requestSigner, signingKey } from '../../../../lib/clients/maxcompute/signature.ts';

interface Fixture {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly region: string;
  readonly derivedKey: { readonly day: string; readonly hex: string };
  readonly requests: readonly {
    readonly name: string;
    readonly method: string;
    readonly path: string;
    readonly query: Record<string, string>;
    readonly headers: Record<string, string>;
    readonly canonical: readonly string[];
    readonly v2: string;
    readonly v4: Record<string, string>;
  }[];
  readonly plain: readonly { readonly key: string; readonly text: string; readonly signature: string }[];
  readonly resources: readonly { readonly path: string; readonly query: readonly [string, string][]; readonly resource: string }[];
}

const fixture = JSON.parse(readFileSync(new URL('../../../fixtures/maxcompute/signatures.json', import.meta.url), 'utf8')) as Fixture;
const { accessKeyId, accessKeySecret, region, derivedKey } = fixture;
const credentials = { accessKeyId, accessKeySecret };
const dateOf = (day: string): Date => new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T09:18:59Z`);

describe.each(fixture.requests)('the request to $name', ({ canonical, v2, v4, ...request }) => {
  it('is spelled as the service spells it', () => {
    expect(canonicalString(request)).toBe(canonical.join('\n'));
  });

  it('is signed without a region', () => {
    expect(requestSigner(undefined)(request, credentials, dateOf('20260304'))).toBe(`ODPS ak-id:${v2}`);
  });

  it.each(Object.entries(v4))('is signed for a region on %s', (day, signature) => {
    const sign = requestSigner(region);
    for (let time = 0; time < 2; time++)
      expect(sign(request, credentials, dateOf(day))).toBe(`ODPS ak-id/${day}/cn-hangzhou/odps/aliyun_v4_request:${signature}`);
  });
});

it('makes a key for the day and the region', () => {
  expect(signingKey(accessKeySecret, derivedKey.day, region).toString('hex')).toBe(derivedKey.hex);
});

it('makes another key when the secret was changed on the same day', () => {
  const sign = requestSigner(region);
  const [request] = fixture.requests;
  const before = sign(request!, credentials, dateOf('20260304'));
  expect(sign(request!, { ...credentials, accessKeySecret: 'another' }, dateOf('20260304'))).not.toBe(before);
});

it.each(fixture.plain)('signs $text as other clients do', ({ key, text, signature }) => {
  expect(createHmac('sha1', key).update(text).digest('base64')).toBe(signature);
});

it.each(fixture.resources)('spells the resource $resource', ({ path, query, resource }) => {
  const request = { method: 'GET', path, query: Object.fromEntries(query), headers: { date: 'now' } };
  expect(canonicalString(request).split('\n').at(-1)).toBe(resource);
});
