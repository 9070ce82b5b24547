import type { HttpResponse } from '../../clients/http.ts';
import { isObject } from '../../core/field.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Channel, ChannelContext } from './channel.ts';
import type { Message } from './message.ts';
import { classify, type Finding, outcomeOf, type Rule } from './rules.ts';

/** One request, signed for the moment at which it is sent. */
export interface Post {
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Attempt {
  /** Milliseconds since the epoch, by the vendor's clock as far as it is known. */
  readonly nowMs: number;
  /** What limits of size are multiplied by: less than 1 once the vendor called the message too long. */
  readonly scale: number;
}

export interface HttpChannelOptions {
  /** What messages call it, e.g. `Slack`. */
  readonly vendor: string;
  readonly rules: readonly Rule[];
  readonly timeoutMs: number;
  readonly allowPrivate: boolean;
  post(message: Message, attempt: Attempt): Post;
  read(answer: HttpResponse): Finding;
}

/** A channel that sends each message with one POST and reads from the answer what became of it. */
export function httpChannel(
  { vendor, rules, timeoutMs, allowPrivate, post, read }: HttpChannelOptions,
  { name, path, now, openHttp }: ChannelContext,
): Channel {
  const client = openHttp({ timeoutMs, allowPrivate, maxRedirects: 0, path, now });
  const where = `${vendor} (${name})`;
  const sendOnce = async (message: Message, signal: AbortSignal): Promise<Outcome> => {
    let skewMs = 0;
    let scale = 1;
    let isResigned = false;
    for (;;) {
      const { url, headers, body } = post(message, { nowMs: now() + skewMs, scale });
      const answer = await client.request({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
        body,
        signal,
      });
      const finding = read(answer);
      const rule = classify(rules, finding);
      if (rule.means === 'resign' && !isResigned) {
        isResigned = true;
        skewMs = skewOf(answer, now());
      } else if (rule.means === 'shorten' && scale === 1) scale = 0.5;
      else return outcomeOf(rule, finding, where);
    }
  };
  return {
    async send(message, signal) {
      const outcome = await sendOnce(message, signal);
      return message.notices.map(() => outcome);
    },
    close: () => client.close(),
  };
}

/** How far the vendor's clock is ahead of ours. */
function skewOf({ headers }: HttpResponse, nowMs: number): number {
  const vendorMs = Date.parse(headers['date'] ?? '');
  return Number.isNaN(vendorMs) ? 0 : vendorMs - nowMs;
}

/** The fields of an answer in JSON; none when it is something else. */
export function jsonFields({ body }: HttpResponse): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** A code of the vendor as rules know them. */
export function codeIn(value: unknown): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
