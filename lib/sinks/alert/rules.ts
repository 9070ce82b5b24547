import { ConfigError, DataError, RetriableError } from '../../core/errors.ts';
import type { ErrorRule, Outcome } from '../../core/sink.ts';

/** What an answer says, in the words of its vendor. */
export interface Finding {
  /** HTTP status, or the three digits of SMTP. */
  readonly status?: number | undefined;
  /** The vendor's own code, from the body. */
  readonly code?: string | number | undefined;
  /** The vendor's explanation, which may repeat what was sent and so is only compared. */
  readonly text?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** One line of a channel's classification: the first line that fits decides. */
export interface Rule {
  /** One status, or a first and a last. */
  readonly status?: number | readonly [number, number];
  readonly code?: string | number | readonly (string | number)[];
  readonly text?: RegExp;
  /** resign: signed once more by the vendor's clock. shorten: sent once more with half the text. Both then end as said here. */
  readonly means: 'delivered' | 'retriable' | 'data' | 'config' | 'resign' | 'shorten';
  /** What is wrong, and for a config error what to do. */
  readonly message: string;
  readonly error?: string;
  /** How long the vendor is known to refuse, where the answer does not say it. */
  readonly retryAfterMs?: number;
  readonly unauthorized?: boolean;
}

/** What every HTTP channel makes of an answer that its own rules say nothing about. */
export const httpRules: readonly Rule[] = [
  { status: 429, means: 'retriable', error: 'SINK_THROTTLED', message: 'too many messages' },
  { status: 408, means: 'retriable', message: 'no answer in time' },
  { status: 425, means: 'retriable', message: 'too early' },
  { status: [300, 399], means: 'config', message: 'the URL leads somewhere else, which is not followed. Check it' },
  { status: [401, 401], means: 'config', unauthorized: true, message: 'the credentials were refused. Set new ones' },
  { status: 403, means: 'config', unauthorized: true, message: 'access was refused. Check the credentials' },
  { status: 404, means: 'config', unauthorized: true, message: 'there is nothing at this URL any more. Set a new one' },
  {
    status: 410,
    means: 'config',
    unauthorized: true,
    message: 'the receiver wants no more messages. Set another URL, or remove the channel',
  },
  { status: 405, means: 'config', message: 'what is at this URL takes no messages. Check it' },
  { status: 415, means: 'config', message: 'what is at this URL takes no JSON. Check it' },
  { status: 413, means: 'shorten', message: 'the message is too long' },
  { status: [400, 499], means: 'data', message: 'the message was refused' },
  { status: [500, 599], means: 'retriable', message: 'the service is not available' },
];

const unknown: Rule = { means: 'retriable', message: 'an answer nobody knows', error: 'SINK_UNAVAILABLE' };

/** The first rule that fits; what no rule knows is tried again, and never counts as delivered. */
export function classify(rules: readonly Rule[], finding: Finding): Rule {
  return rules.find((rule) => fits(rule, finding)) ?? unknown;
}

function fits(rule: Rule, { status = 0, code, text }: Finding): boolean {
  if (typeof rule.status === 'number' && rule.status !== status) return false;
  if (typeof rule.status === 'object' && (status < rule.status[0] || status > rule.status[1])) return false;
  if (typeof rule.code === 'object' && (code === undefined || !rule.code.includes(code))) return false;
  if ((typeof rule.code === 'string' || typeof rule.code === 'number') && rule.code !== code) return false;
  return rule.text === undefined || (text !== undefined && rule.text.test(text));
}

/** What a rule comes to. `where` names the channel; the vendor's code is repeated when it looks like one. */
export function outcomeOf(rule: Rule, { status, code, retryAfterMs }: Finding, where: string): Outcome {
  if (rule.means === 'delivered') return 'delivered';
  const codeText = code !== undefined && /^[\w.-]{1,60}$/.test(String(code)) ? String(code) : undefined;
  const said = [status, codeText].filter((part) => part !== undefined && part !== 0).join(', ');
  const message = `${where}: ${rule.message}${said === '' ? '' : ` (${said})`}`;
  switch (rule.means) {
    case 'retriable':
      return new RetriableError(rule.error ?? 'SINK_UNAVAILABLE', message, { retryAfterMs: retryAfterMs ?? rule.retryAfterMs });
    case 'shorten':
    case 'data':
      return new DataError(rule.error ?? 'SINK_REJECTED_RECORD', message);
    default: {
      const unauthorized = rule.unauthorized ?? false;
      return new ConfigError(rule.error ?? (unauthorized ? 'SINK_UNAUTHORIZED' : 'SINK_MISCONFIGURED'), message, { unauthorized });
    }
  }
}

/** The rules as a reference page shows them. */
export function errorRules(vendor: string, rules: readonly Rule[], unit: 'HTTP' | 'SMTP' = 'HTTP'): readonly ErrorRule[] {
  return rules.map((rule) => ({ when: `${vendor}: ${whenOf(rule, unit)}`, class: classOf(rule), meaning: meaningOf(rule) }));
}

function whenOf({ status, code, text }: Rule, unit: string): string {
  const parts = [
    status === undefined ? [] : `${unit} ${typeof status === 'number' ? status : [...new Set(status)].join('–')}`,
    code === undefined ? [] : typeof code === 'object' ? code.join(', ') : String(code),
    text === undefined ? [] : `text like ${text.source}`,
  ].flat();
  return parts.length === 0 ? 'anything else' : parts.join(', ');
}

function classOf({ means }: Rule): ErrorRule['class'] {
  return means === 'resign' ? 'config' : means === 'shorten' ? 'data' : means;
}

function meaningOf({ means, message, retryAfterMs }: Rule): string {
  const first = message.charAt(0).toUpperCase() + message.slice(1);
  if (means === 'resign') return `${first}. Signed once more by the vendor's clock before it counts.`;
  if (means === 'shorten') return `${first}. Sent once more with half the text before it counts.`;
  return `${first}.${retryAfterMs === undefined ? '' : ` Left alone for ${retryAfterMs / 1_000} s.`}`;
}
