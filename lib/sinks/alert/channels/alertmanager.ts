import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import type { HttpClient, HttpResponse } from '../../../clients/http.ts';
import { ConnectorError } from '../../../core/errors.ts';
import { severity as severityOf } from '../../../core/outcome.ts';
import { Secret } from '../../../core/secret.ts';
import type { Outcome } from '../../../core/sink.ts';
import { type ChannelContext, defineChannel } from '../channel.ts';
import { timeoutMs } from '../channel-options.ts';
import { cut } from '../cut.ts';
import { broken, brokenLine, label as labelText, oneLine } from '../escape.ts';
import { last, linkOf, type Notice, originsOf, textOf, timesOf, titleOf } from '../notice.ts';
import { classify, errorRules, httpRules, outcomeOf, type Rule } from '../rules.ts';
import { severities } from '../severity.ts';
import { parseText } from '../text.ts';

const Url = Type.String({ format: 'uri' });
const options = Type.Object(
  {
    type: Type.Literal('alertmanager'),
    url: Type.Union([Url, Type.Array(Url, { minItems: 1 })], {
      description: 'Base URL of Alertmanager; of each one in a cluster, never of something that spreads the load.',
    }),
    bearer: Type.Optional(Secret({ description: 'Token, where something in front of it asks for one.' })),
    username: Type.Optional(Type.String({ minLength: 1, description: 'User name, together with password.' })),
    password: Type.Optional(Secret({ description: 'Password of username.' })),
    labels: Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), Type.String({ minLength: 1 }), {
      default: {},
      description:
        'Further labels, with placeholders. The labels make the identity of an alert, so nothing that changes from record to record of a group belongs in them.',
    }),
    ttlMs: Type.Integer({
      minimum: 1_000,
      default: 3_600_000,
      description: 'How long an alert fires after its last record, when nothing resolves it.',
    }),
    timeoutMs,
    allowPrivate: Type.Boolean({
      default: true,
      description: 'Whether the URL may lead to an address that only this network knows, as it mostly does.',
    }),
  },
  {
    description:
      'Prometheus Alertmanager, which groups, repeats and silences by itself. Labels: alertname (the connector), group, severity, and those set here.',
  },
);
type Options = Static<typeof options>;

const rules: readonly Rule[] = [
  { status: [200, 299], means: 'delivered', message: 'accepted' },
  { status: 400, means: 'data', message: 'the alert was refused; those beside it were accepted' },
  ...httpRules,
];

export const alertmanager = defineChannel({
  type: 'alertmanager',
  options,
  deduplicates: true,
  resolves: true,
  carries: 'all',
  errors: errorRules('Alertmanager', rules),
  check({ bearer, username, password, labels }) {
    const problems: { path: string; message: string }[] = [];
    if (bearer !== undefined && username !== undefined)
      problems.push({ path: 'bearer', message: 'Expected either bearer, or username and password, got both. Leave one out.' });
    if ((username === undefined) !== (password === undefined))
      problems.push({ path: 'username', message: 'Expected username and password together, got one of them. Set both.' });
    const invalid = Object.keys(labels).find(
      (label) => !/^[a-zA-Z_]\w*$/.test(label) || ['alertname', 'group', 'severity'].includes(label),
    );
    if (invalid !== undefined)
      problems.push({
        path: `labels.${invalid}`,
        message: 'Expected a label of letters, digits and _ other than alertname, group and severity.',
      });
    return problems;
  },
  async open(config, context) {
    const authorization = await authorizationOf(config, context);
    const { name, path, now, openHttp } = context;
    const client = openHttp({ timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate, maxRedirects: 0, path, now });
    const labels = labelReader(config, path);
    const urls = (typeof config.url === 'string' ? [config.url] : config.url).map((url) => `${url.replace(/\/+$/, '')}/api/v2/alerts`);
    const sender: Sender = { client, headers: authorization, where: `Alertmanager (${name})` };
    return {
      async send({ notices }, signal) {
        const alerts = notices.map((notice) => toAlerts(notice, labels(notice), now(), config.ttlMs));
        const answers = await Promise.all(urls.map((url) => sendTo(url, alerts, sender, signal)));
        // Each of a cluster notifies about what it knows, so one that took the alert is enough.
        return notices.map((_, index) => answers.map((outcomes) => outcomes[index] ?? 'ignored').reduce(better));
      },
      close: () => client.close(),
    };
  },
});

interface Sender {
  readonly client: HttpClient;
  readonly headers: Readonly<Record<string, string>>;
  readonly where: string;
}

/** All at once; one by one when some of them was refused, as nothing tells which. What was accepted before is the same alert once more. */
async function sendTo(
  url: string,
  alerts: readonly (readonly object[])[],
  sender: Sender,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const together = await post(url, alerts.flat(), sender, signal);
  if (together.status !== 400 || alerts.length === 1) return alerts.map(() => together.outcome);
  const outcomes: Outcome[] = [];
  for (const alert of alerts) outcomes.push((await post(url, alert, sender, signal)).outcome);
  return outcomes;
}

async function post(
  url: string,
  alerts: readonly object[],
  { client, headers, where }: Sender,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly outcome: Outcome }> {
  let answer: HttpResponse;
  try {
    const type = { 'content-type': 'application/json; charset=utf-8' };
    answer = await client.request({ method: 'POST', url, headers: { ...type, ...headers }, body: JSON.stringify(alerts), signal });
  } catch (error) {
    if (error instanceof ConnectorError) return { status: 0, outcome: error };
    throw error;
  }
  const { status, retryAfterMs } = answer;
  const finding = { status, retryAfterMs };
  return { status, outcome: outcomeOf(classify(rules, finding), finding, where) };
}

function better(a: Outcome, b: Outcome): Outcome {
  return severityOf(b) < severityOf(a) ? b : a;
}

async function authorizationOf(
  { bearer, username, password }: Options,
  { secret }: ChannelContext,
): Promise<Readonly<Record<string, string>>> {
  if (bearer !== undefined) return { authorization: `Bearer ${(await secret(bearer)).trim()}` };
  if (username === undefined || password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${await secret(password)}`).toString('base64')}` };
}

const maxLabelBytes = 200;
/** An end that Alertmanager's clock has not reached yet would be none: the later one, of when it fired, would count. */
const maxSkewMs = 60_000;

/** The labels of a notice but its severity. */
function labelReader({ labels }: Pick<Options, 'labels'>, path: string): (notice: Notice) => Readonly<Record<string, string>> {
  const texts = Object.entries(labels).map(([label, template]) => [label, parseText(template, `${path}.labels.${label}`)] as const);
  return (notice) => {
    const { connector, group, severity, status, events } = notice;
    const facts = { connector, group, severity, status, count: events.length };
    const own = texts.map(([label, text]) => [label, text(last(events).record, facts, labelText, { max: maxLabelBytes, unit: 'bytes' })]);
    return { alertname: connector, group: labelOf(group), ...Object.fromEntries(own) };
  };
}

/** Two groups never share a label, although what could be a mention or link is broken and the rest may be cut. */
function labelOf(group: string): string {
  const shown = labelText(group);
  if (shown === group && Buffer.byteLength(group) <= maxLabelBytes) return group;
  const sum = createHash('sha256').update(group).digest('hex').slice(0, 12);
  return `${cut(shown, { max: maxLabelBytes, unit: 'bytes' })} #${sum}`;
}

/** The alert of a notice. One that is over is over in whatever severity it was told of before. */
export function toAlerts(
  notice: Notice,
  labels: Readonly<Record<string, string>>,
  nowMs: number,
  ttlMs: number,
): readonly [object, ...object[]] {
  const link = linkOf(notice);
  const common = {
    annotations: {
      summary: titleOf(notice, brokenLine, { max: 1_000, unit: 'bytes' }),
      description: textOf(notice, broken, { max: 20_000, unit: 'bytes' }),
      count: String(notice.events.length),
      records: oneLine(originsOf(notice)),
    },
    ...(link === undefined ? {} : { generatorURL: link }),
  };
  const now = new Date(nowMs).toISOString();
  if (notice.status === 'resolved') {
    const endsAt = new Date(nowMs - maxSkewMs).toISOString();
    const [worst, ...others] = severities.map((severity) => ({ labels: { ...labels, severity }, ...common, endsAt }));
    return [worst ?? common, ...others];
  }
  const { first: startsAt } = timesOf(notice);
  const begun = startsAt !== undefined && startsAt < now ? { startsAt } : { startsAt: now };
  return [{ labels: { ...labels, severity: notice.severity }, ...common, ...begun, endsAt: new Date(nowMs + ttlMs).toISOString() }];
}
