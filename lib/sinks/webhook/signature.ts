import { createHash, createHmac, createPrivateKey, sign } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';
import type { Headers } from './headers.ts';

type Body = string | Uint8Array;

/** The headers that prove who sent a body. `nowMs` is the time of this attempt. */
export type Signer = (id: string, body: Body, nowMs: number) => Headers;

export interface HmacOptions {
  readonly header: string;
  readonly timestampHeader: string;
  readonly over: 'timestamp.body' | 'timestamp:body' | 'body';
  readonly encoding: 'hex' | 'base64';
  readonly prefix: string;
}

/** HMAC-SHA256 over the seconds of the attempt and the body as it is sent. */
export function hmacSigner(secret: string, { header, timestampHeader, over, encoding, prefix }: HmacOptions): Signer {
  const separator = over === 'timestamp.body' ? '.' : ':';
  const name = header.toLowerCase();
  const timeName = timestampHeader.toLowerCase();
  return (_, body, nowMs) => {
    const hmac = createHmac('sha256', secret);
    const seconds = String(Math.floor(nowMs / 1_000));
    if (over !== 'body') hmac.update(seconds + separator);
    const signature = prefix + hmac.update(body).digest(encoding);
    return over === 'body' ? { [name]: signature } : { [timeName]: seconds, [name]: signature };
  };
}

/** The layout of Standard Webhooks: several secrets make several signatures, so that a receiver can change its secret. Throws a ConfigError that says nothing of them. */
export function standardSigner(secrets: readonly string[]): Signer {
  const signers = secrets.map(signerOf);
  return (id, body, nowMs) => {
    const messageId = `msg_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`; // ids of Standard Webhooks have no dots
    const seconds = String(Math.floor(nowMs / 1_000));
    return {
      'webhook-id': messageId,
      'webhook-timestamp': seconds,
      'webhook-signature': signers.map((signer) => signer(`${messageId}.${seconds}.`, body)).join(' '),
    };
  };
}

function signerOf(secret: string): (head: string, body: Body) => string {
  const [, kind, text = ''] = /^(whsec_|whsk_)([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim()) ?? [];
  const key = Buffer.from(text, 'base64');
  if (kind === 'whsec_' && key.length >= 24 && key.length <= 64)
    return (head, body) => `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`;
  if (kind === 'whsk_' && key.length === 64) {
    const seed = { kty: 'OKP', crv: 'Ed25519', d: key.toString('base64url', 0, 32), x: key.toString('base64url', 32) };
    const privateKey = createPrivateKey({ key: seed, format: 'jwk' });
    return (head, body) => `v1a,${sign(null, Buffer.concat([Buffer.from(head), Buffer.from(body)]), privateKey).toString('base64')}`;
  }
  throw new ConfigError(
    'CONFIG_INVALID',
    'Expected the secret of connector.sink.signing to be whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an ed25519 key of 64 bytes.',
  );
}
