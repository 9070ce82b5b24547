import { createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacSigner, standardSigner } from '../../../../lib/sinks/webhook/signature.ts';

const body =
  '{"type":"alert.firing","timestamp":"2026-11-21T08:00:00.000Z","data":{"rule":"too-many-errors","count":42,"note":"磁盘 90%"}}';
const nowMs = 1_795_248_000_123;
const hmac = { header: 'X-Sig', timestampHeader: 'X-Time', over: 'timestamp.body', encoding: 'hex', prefix: '' } as const;

describe('hmacSigner', () => {
  it('signs the body alone as GitHub does', () => {
    expect(hmacSigner('topsecret', { ...hmac, over: 'body', prefix: 'sha256=' })('id', body, nowMs)).toEqual({
      'x-sig': 'sha256=089c663cbcc7b5f68cf28adcdee506ad1a8853b2c8702f5a11f15ed75dbf50df',
    });
  });

  it('signs time and body as Grafana does, bytes like text', () => {
    const signer = hmacSigner('topsecret', { ...hmac, over: 'timestamp:body' });
    const expected = { 'x-time': '1795248000', 'x-sig': '220995aaa8d90f303f9803a269d972d28c06820895c1368dc068072103f00d8c' };
    expect(signer('id', body, nowMs)).toEqual(expected);
    expect(signer('id', Buffer.from(body), nowMs)).toEqual(expected);
  });

  it('signs another attempt differently', () => {
    const signer = hmacSigner('topsecret', { ...hmac, encoding: 'base64' });
    const expected = createHmac('sha256', 'topsecret').update(`1795248000.${body}`).digest('base64');
    expect(signer('id', body, nowMs)['x-sig']).toBe(expected);
    expect(signer('id', body, nowMs + 1_000)['x-sig']).not.toBe(expected);
  });
});

describe('standardSigner', () => {
  const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
  const other = `whsec_${Buffer.from('fedcba9876543210fedcba9876543210').toString('base64')}`;
  const messageId = `msg_${createHash('sha256').update('a:b.c:0').digest('hex').slice(0, 32)}`;
  const v1 = (key: string) => createHmac('sha256', key).update(`${messageId}.1795248000.${body}`).digest('base64');

  it('has one id for a record, without dots, and one signature per secret', () => {
    expect(standardSigner([secret, other])('a:b.c:0', body, nowMs)).toEqual({
      'webhook-id': messageId,
      'webhook-timestamp': '1795248000',
      'webhook-signature': `v1,${v1('0123456789abcdef0123456789abcdef')} v1,${v1('fedcba9876543210fedcba9876543210')}`,
    });
  });

  it('signs with an ed25519 key so that its public half verifies', () => {
    const key = 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==';
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from('A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=', 'base64').toString('base64url') },
      format: 'jwk',
    });
    const signature = standardSigner([key])('a:b.c:0', Buffer.from(body), nowMs)['webhook-signature'] ?? '';
    expect(signature.startsWith('v1a,')).toBe(true);
    expect(verify(null, Buffer.from(`${messageId}.1795248000.${body}`), publicKey, Buffer.from(signature.slice(4), 'base64'))).toBe(true);
  });

  it.each(['sentinel', 'whsec_c2hvcnQ=', 'whsk_c2hvcnQ='])('refuses the secret %j without repeating it', (wrong) => {
    expect(() => standardSigner([wrong])).toThrow(/whsec_/);
    expect(() => standardSigner([wrong])).not.toThrow(wrong);
  });
});
