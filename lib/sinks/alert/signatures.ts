import { createHmac } from 'node:crypto';

/** What DingTalk expects as `sign`, base64; it has to be percent-encoded once for the URL. */
export function dingtalkSignature(secret: string, timestampMs: number): string {
  return base64Hmac(secret, `${timestampMs}\n${secret}`);
}

/** What Feishu and Lark expect as `sign`, in the body. Here the secret is in the key, and the message is empty. */
export function feishuSignature(secret: string, timestampSeconds: number): string {
  return base64Hmac(`${timestampSeconds}\n${secret}`, '');
}

function base64Hmac(key: string, message: string): string {
  return createHmac('sha256', key).update(message).digest('base64');
}
