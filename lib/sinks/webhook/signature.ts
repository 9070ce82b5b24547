import { createHash, createHmac } from 'node:crypto';
import { standardSigner } from '../../clients/http/standard-webhooks.ts';
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

/** The headers of Standard Webhooks, whose ids have no dots: one is made of the id that the receiver knows a request by. */
export function standardHeaders(secrets: readonly string[]): Signer {
  const signer = standardSigner(secrets, 'connector.sink.signing');
  return (id, body, nowMs) => signer(`msg_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`, body, nowMs);
}
