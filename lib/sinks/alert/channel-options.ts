import { Type } from 'typebox';
import type { Severity } from './severity.ts';

/** Options that several channels share. */
export const timeoutMs = Type.Integer({ minimum: 100, default: 15_000, description: 'Milliseconds after which a message is given up.' });

export const allowPrivate = Type.Boolean({
  default: false,
  description: 'Whether the URL may lead to an address that only this network knows, and begin with http://.',
});

/** Messages that a channel gets at most, counted over all invocations. */
export const rateLimit = Type.Optional(
  Type.Object(
    {
      messages: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Most messages within the time.' }),
      perMs: Type.Integer({ minimum: 1_000, default: 60_000, description: 'The time, in milliseconds.' }),
    },
    {
      description:
        'Sends no more than this, over all functions and invocations; what is too much waits in Kafka. It is counted in connector.sink.store.',
    },
  ),
);

const names = (description: string) => Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description }));

/** Who is mentioned, by severity. */
export function mentionsOption(who: string) {
  return Type.Object(
    {
      critical: names('Mentioned when it is critical.'),
      error: names('Mentioned for errors.'),
      warning: names('Mentioned for warnings.'),
      info: names('Mentioned for information.'),
    },
    { default: {}, description: `Who is mentioned for which severity: ${who}. A record never mentions anybody.` },
  );
}

export type Mentions = Readonly<Partial<Record<Severity, readonly string[]>>>;

/** Nobody is mentioned because something is over. */
export function mentioned(
  mentions: Mentions,
  { severity, status }: { readonly severity: Severity; readonly status: string },
): readonly string[] {
  return status === 'resolved' ? [] : (mentions[severity] ?? []);
}
