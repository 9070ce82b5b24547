import { createHmac, sign as signWith } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';

/** What DingTalk expects as `sign`, base64; it has to be percent-encoded once for the URL. */
export function dingtalkSignature(secret: string, timestampMs: number): string {
  return base64Hmac(secret, `${timestampMs}\n${secret}`);
}

/** What Feishu and Lark expect as `sign`, in the body. Here the secret is in the key, and the message is empty. */
export function feishuSignature(secret: string, timestampSeconds: number): string {
  return base64Hmac(`${timestampSeconds}\n${secret}`, '');
}

/** Signs the content of a Standard Webhooks request, as one entry of its `webhook-signature` header. */
export type Sign = (content: string) => string;

/** The signer for a secret of Standard Webhooks: `whsec_…` is symmetric, `whsk_…` is an ed25519 key. Throws a ConfigError that says nothing of it. */
export function standardSigner(secret: string): Sign {
  const [, kind, text] = /^(whsec|whsk)_([A-Za-z0-9+/_-]+={0,2})$/.exec(secret) ?? [];
  const key = Buffer.from(text ?? '', 'base64');
  if (kind === 'whsec' && key.length >= 24 && key.length <= 64) return (content) => `v1,${base64Hmac(key, content)}`;
  if (kind === 'whsk' && key.length === 64) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: key.subarray(0, 32).toString('base64url'), x: key.subarray(32).toString('base64url') };
    return (content) => `v1a,${signWith(null, Buffer.from(content), { key: jwk, format: 'jwk' }).toString('base64')}`;
  }
  throw new ConfigError(
    'SINK_MISCONFIGURED',
    'Expected a secret of Standard Webhooks: whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an ed25519 key of 64 bytes.',
  );
}

function base64Hmac(key: string | Buffer, message: string): string {
  return createHmac('sha256', key).update(message).digest('base64');
}
