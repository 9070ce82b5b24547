import { toJson } from '../../lib/core/json.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import {
  type Accepted,
  type AlertVendors,
  refusedWord,
  startAlertVendors,
  type Vendor,
  vendorSecrets,
} from '../support/servers/alert-vendors.ts';
import { mailLogin, startMailServer } from '../support/servers/mail-server.ts';
import { startProxy } from '../support/servers/proxy.ts';
import { parseExact } from './kit/exact.ts';
import type { Faults, Stored, TargetReader } from './kit/mode.ts';

export interface AlertTarget extends TargetReader {
  /** Port of the proxy in front of the vendor. */
  readonly port: number;
}

/** The texts of the secrets that configurations of the tests refer to. */
export const secretsOf = (port: number): Readonly<Record<string, string>> => {
  const { token, dingtalk, feishu, webhook, previousWebhook, alertmanager } = vendorSecrets;
  const base = `http://127.0.0.1:${port}`;
  return {
    SLACK: `${base}/services/T0/B0/${token}`,
    DINGTALK: `${base}/robot/send?access_token=${token}`,
    DINGTALK_SECRET: dingtalk,
    FEISHU: `${base}/open-apis/bot/v2/hook/${token}`,
    FEISHU_SECRET: feishu,
    WECOM: `${base}/cgi-bin/webhook/send?key=${token}`,
    TEAMS: `${base}/workflows/1/triggers/manual/paths/invoke?sig=${token}`,
    WEBHOOK: `${base}/hook`,
    WEBHOOK_SECRET: webhook,
    WEBHOOK_PREVIOUS: previousWebhook,
    PAGERDUTY: token.slice(0, 32),
    ALERTMANAGER: alertmanager,
    MAIL: mailLogin.password,
  };
};

/** Long enough for a busy machine to answer, as a write that has to be delivered is sent once. A vendor that sleeps costs this long, so one does. */
const timeoutMs = 1_500;
const common = { allowPrivate: true, timeoutMs };

/** The least options of each channel. */
export function channelOf(vendor: Vendor | 'email', port: number): { readonly type: string } & Readonly<Record<string, unknown>> {
  switch (vendor) {
    case 'slack':
      return { type: vendor, url: { env: 'SLACK' }, ...common };
    case 'dingtalk':
      return { type: vendor, url: { env: 'DINGTALK' }, secret: { env: 'DINGTALK_SECRET' }, ...common };
    case 'feishu':
      return { type: vendor, url: { env: 'FEISHU' }, secret: { env: 'FEISHU_SECRET' }, ...common };
    case 'wecom':
      return { type: vendor, url: { env: 'WECOM' }, ...common };
    case 'teams':
      return { type: vendor, url: { env: 'TEAMS' }, ...common };
    case 'webhook':
      return { type: vendor, url: { env: 'WEBHOOK' }, secrets: [{ env: 'WEBHOOK_PREVIOUS' }, { env: 'WEBHOOK_SECRET' }], ...common };
    case 'pagerduty':
      return { type: vendor, routingKey: { env: 'PAGERDUTY' }, url: `http://127.0.0.1:${port}/v2/enqueue`, ...common };
    case 'alertmanager':
      return { type: vendor, url: `http://127.0.0.1:${port}/`, bearer: { env: 'ALERTMANAGER' }, timeoutMs };
    case 'email': {
      const addresses = { from: 'alerts@example.com', to: ['oncall@example.com'] };
      return {
        type: vendor,
        host: '127.0.0.1',
        port,
        encryption: 'none',
        username: mailLogin.user,
        password: { env: 'MAIL' },
        ...addresses,
        timeoutMs,
      };
    }
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The text of a message as people would read it. */
export function shownText(vendor: Vendor, { body }: Accepted): string {
  const at = (value: unknown, ...steps: (string | number)[]): unknown =>
    steps.reduce<unknown>((found, step) => (found as Fields | undefined)?.[step as string], value);
  const read = {
    slack: () =>
      decoded(String((body['blocks'] as Fields[]).filter(({ type }) => type === 'section').map((block) => at(block, 'text', 'text'))[0])),
    dingtalk: () =>
      String(at(body, 'markdown', 'text'))
        .split('\n\n')
        .slice(1, -1)
        .join('\n'),
    feishu: () => decoded(String(at(body, 'card', 'elements', 0, 'text', 'content'))),
    wecom: () =>
      String(at(body, 'markdown', 'content'))
        .split('\n')
        .slice(1, -1)
        .join('\n'),
    teams: () => String(at(body, 'attachments', 0, 'content', 'body', 1, 'text')),
    pagerduty: () => String(at(body, 'payload', 'custom_details', 'text')),
    alertmanager: () => String(at(body, 'annotations', 'description')),
    webhook: () => String(at(body, 'data', 'text')),
  }[vendor]();
  return read.replaceAll('\u200b', '');
}

function decoded(text: string): string {
  const names: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? (names[name] ?? '') : String.fromCharCode(Number(code)),
  );
}

/** A value as it is read back: as JSON, and without the marks that turn the direction of text. */
function shownValue(text: string): unknown {
  return parseExact(text.replace(/\\u200f|\u200f/g, ''));
}

export const stored = (record: KafkaRecord): unknown =>
  shownValue(record.bytes === undefined ? toJson(record.value) : Buffer.from(record.bytes).toString());

/** The value with a word in it that every vendor refuses. */
export const poison = ({ bytes: _, ...record }: KafkaRecord): KafkaRecord => ({ ...record, value: { text: refusedWord } });

/** What each vendor says when there is too much of it, as it says it. */
const throttles: Readonly<Record<Vendor, Parameters<AlertVendors['fail']>[0]>> = {
  slack: { status: 429, headers: { 'retry-after': '0' }, body: 'rate_limited' },
  dingtalk: { status: 200, body: { errcode: 130101, errmsg: 'send too fast, exceed 20 times per minute' } },
  feishu: { status: 200, body: { code: 11232, msg: 'frequency limited psm', data: {} } },
  wecom: { status: 200, body: { errcode: 45009, errmsg: 'api freq out of limit' } },
  teams: { status: 429, headers: { 'retry-after': '0' } },
  pagerduty: {
    status: 429,
    headers: { 'retry-after': '0' },
    body: { status: 'throttled', message: 'Requests for this service are being throttled' },
  },
  alertmanager: { status: 429, headers: { 'retry-after': '0' } },
  webhook: { status: 429, headers: { 'retry-after': '0' } },
};

/** A vendor behind a network that fails on demand. */
export async function openVendor(vendor: Vendor): Promise<AlertTarget> {
  const vendors = await startAlertVendors();
  const proxy = await startProxy({ host: '127.0.0.1', port: vendors.port });
  const others: Faults['others'] = {
    throttled: { start: () => vendors.fail(throttles[vendor]), expected: 'retriable' },
    unavailable: { start: () => vendors.fail({ status: 503, body: '<html>Service Unavailable</html>' }), expected: 'retriable' },
    ...(vendor === 'slack' ? { slow: { start: () => vendors.sleep(), expected: 'retriable' } as const } : {}),
    'answer lost': { start: () => vendors.loseAnswers(), expected: 'retriable' },
    'something else answers with 200': { start: () => vendors.fail(strange(vendor)), expected: 'retriable' },
  };
  const { 'something else answers with 200': stranger, ...usual } = others;
  const hasProof = !['teams', 'alertmanager', 'webhook'].includes(vendor);
  return {
    port: proxy.port,
    secrets: secretsOf(proxy.port),
    sentinels: Object.values(vendorSecrets),
    async read(): Promise<Stored[]> {
      if (vendor === 'pagerduty')
        return [...vendors.incidents].map(([id, { event }]) => ({
          id,
          value: shownValue(shownText(vendor, { body: event, headers: {}, url: '' })),
        }));
      if (vendor === 'alertmanager')
        return [...vendors.alerts.values()].map((body) => ({
          id: String((body['labels'] as Fields)['group']).replaceAll('\u200b', ''),
          value: shownValue(shownText(vendor, { body, headers: {}, url: '' })),
        }));
      return vendors.accepted[vendor].map((message) => ({ value: shownValue(shownText(vendor, message)) }));
    },
    async reset() {
      vendors.reset();
    },
    async close() {
      await proxy.stop();
      await vendors.stop();
    },
    faults: {
      async pass() {
        vendors.work();
        await proxy.pass();
      },
      refuse: () => proxy.refuse(),
      hang: () => proxy.hang(),
      cut: () => proxy.cut(),
      others: hasProof && stranger !== undefined ? { ...usual, 'something else answers with 200': stranger } : usual,
    },
  };
}

function strange(vendor: Vendor): Parameters<AlertVendors['fail']>[0] {
  return { status: vendor === 'pagerduty' ? 202 : 200, body: '<html>Welcome to the wireless network</html>' };
}

/** A mail server behind a network that fails on demand. */
export async function openMail(): Promise<AlertTarget> {
  const server = await startMailServer();
  const proxy = await startProxy({ host: '127.0.0.1', port: server.port });
  return {
    port: proxy.port,
    secrets: secretsOf(proxy.port),
    sentinels: [mailLogin.password],
    async read() {
      return server.mails.map(({ text }) => ({ value: shownValue((text.replaceAll('\u200b', '').split('\n\n')[0] ?? '').trim()) }));
    },
    async reset() {
      server.mails.length = 0;
    },
    async close() {
      await proxy.stop();
      await server.stop();
    },
    faults: {
      async pass() {
        server.work();
        await proxy.pass();
      },
      refuse: () => proxy.refuse(),
      hang: () => proxy.hang(),
      cut: () => proxy.cut(),
      others: {
        throttled: { start: () => server.fail(450), expected: 'retriable' },
        unavailable: { start: () => server.fail(421), expected: 'retriable' },
        full: { start: () => server.fail(452), expected: 'retriable' },
        'answer lost': { start: () => server.fail('answer lost'), expected: 'retriable' },
      },
    },
  };
}
