import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacSigner, standardHeaders } from '../../../../lib/sinks/webhook/signature.ts';

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

describe('standardHeaders', () => {
  it('has one id for a record, without dots', () => {
    const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';
    const messageId = `msg_${createHash('sha256').update('a:b.c:0').digest('hex').slice(0, 32)}`;
    const signature = createHmac('sha256', '0123456789abcdef0123456789abcdef').update(`${messageId}.1795248000.${body}`).digest('base64');
    expect(standardHeaders([secret])('a:b.c:0', body, nowMs)).toEqual({
      'webhook-id': messageId,
      'webhook-timestamp': '1795248000',
      'webhook-signature': `v1,${signature}`,
    });
  });
});
