import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, throwProblems } from '../../lib/core/config.ts';
import { ConnectorError, RetriableError } from '../../lib/core/errors.ts';
import { silentLog } from '../../lib/core/log.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import type { OpenContext, Outcome } from '../../lib/core/sink.ts';
import { alert } from '../../lib/sinks/alert.ts';
import { record } from '../support/records.ts';
import { type AlertVendors, startAlertVendors, type Vendor } from '../support/servers/alert-vendors.ts';
import { type MailServer, mailLogin, startMailServer } from '../support/servers/mail-server.ts';
import { channelOf, secretsOf, shownText } from './alert-support.ts';

const signal = AbortSignal.timeout(600_000);
let vendors: AlertVendors;
beforeAll(async () => {
  vendors = await startAlertVendors();
});
afterAll(() => vendors?.stop());
beforeEach(() => {
  vendors.reset();
  vendors.work();
  vendors.clockSkewMs = 0;
});

function context(secrets: Readonly<Record<string, string>> = secretsOf(vendors.port)): OpenContext {
  const secret: OpenContext['secret'] = async (reference) => ('env' in reference ? (secrets[reference.env] ?? '') : '');
  return { connector: 'quakes', secret, log: silentLog, now: Date.now };
}

async function open(given: object, secrets?: Readonly<Record<string, string>>) {
  const config = parseConfig(alert.config, given, 'connector.sink');
  throwProblems(alert.check?.(config) ?? []);
  return await alert.open(config, context(secrets));
}

const channel = (vendor: Vendor) => channelOf(vendor, vendors.port);
const inWords = (outcomes: readonly Outcome[]) =>
  outcomes.map((outcome) => (outcome instanceof ConnectorError ? `${outcome.class} ${outcome.code}` : outcome));
async function once(given: object, ...values: object[]) {
  const sink = await open(given);
  const outcomes = await sink.write(
    values.map((value, index) => record(`k${index}`, value)),
    { signal },
  );
  await sink.close?.();
  return outcomes;
}

describe('what vendors say', () => {
  const json = (body: object) => ({ status: 200, body });
  it.each<[Vendor, string, Parameters<AlertVendors['fail']>[0], string, number | undefined]>([
    ['slack', 'a malformed message', { status: 400, body: 'invalid_payload' }, 'data SINK_REJECTED_RECORD', undefined],
    ['slack', 'an archived channel', { status: 410, body: 'channel_is_archived' }, 'config SINK_UNAUTHORIZED', undefined],
    ['slack', 'a forbidden action', { status: 403, body: 'action_prohibited' }, 'config SINK_UNAUTHORIZED', undefined],
    ['slack', 'too many', { status: 429, headers: { 'retry-after': '30' } }, 'retriable SINK_THROTTLED', 30_000],
    ['slack', 'its own failure', { status: 500, body: 'rollup_error' }, 'retriable SINK_UNAVAILABLE', undefined],
    [
      'slack',
      'somewhere else',
      { status: 302, headers: { location: 'https://elsewhere.example/' } },
      'config SINK_MISCONFIGURED',
      undefined,
    ],
    ['dingtalk', 'busy', json({ errcode: -1, errmsg: 'system busy' }), 'retriable SINK_UNAVAILABLE', undefined],
    ['dingtalk', 'too fast', json({ errcode: 130101, errmsg: 'send too fast' }), 'retriable SINK_THROTTLED', 600_000],
    ['dingtalk', 'a missing keyword', json({ errcode: 310000, errmsg: 'keywords not in content' }), 'config SINK_MISCONFIGURED', undefined],
    [
      'dingtalk',
      'an unknown address',
      json({ errcode: 310000, errmsg: 'ip 1.2.3.4 not in whitelist' }),
      'config SINK_MISCONFIGURED',
      undefined,
    ],
    ['dingtalk', 'a wrong signature', json({ errcode: 310000, errmsg: 'sign not match' }), 'config SINK_UNAUTHORIZED', undefined],
    ['dingtalk', 'too long', json({ errcode: 460101, errmsg: 'message too long' }), 'data SINK_REJECTED_RECORD', undefined],
    ['dingtalk', 'no robot', json({ errcode: 300001, errmsg: 'token is not exist' }), 'config SINK_UNAUTHORIZED', undefined],
    ['dingtalk', 'something new', json({ errcode: 777777, errmsg: 'news' }), 'retriable SINK_UNAVAILABLE', undefined],
    ['feishu', 'a bad request', json({ code: 9499, msg: 'Bad Request' }), 'data SINK_REJECTED_RECORD', undefined],
    ['feishu', 'a wrong token', json({ code: 19001, msg: 'param invalid' }), 'config SINK_UNAUTHORIZED', undefined],
    ['feishu', 'an unknown address', json({ code: 19022, msg: 'Ip Not Allowed' }), 'config SINK_MISCONFIGURED', undefined],
    ['feishu', 'a missing keyword', json({ code: 19024, msg: 'Key Words Not Found' }), 'config SINK_MISCONFIGURED', undefined],
    ['feishu', 'too many', json({ code: 11232, msg: 'frequency limited' }), 'retriable SINK_THROTTLED', 5_000],
    ['feishu', 'the old way of failing', json({ StatusCode: 19001, StatusMessage: 'no' }), 'config SINK_UNAUTHORIZED', undefined],
    ['feishu', 'one success and one failure', json({ code: 0, StatusCode: 9499 }), 'data SINK_REJECTED_RECORD', undefined],
    ['feishu', 'the old way of success', json({ StatusCode: 0, StatusMessage: 'success' }), 'delivered', undefined],
    ['feishu', 'a bad card', json({ code: 230099, msg: 'Failed to create card content' }), 'data SINK_REJECTED_RECORD', undefined],
    [
      'feishu',
      'the limit of the platform',
      { status: 429, headers: { 'x-ogw-ratelimit-reset': '12' }, body: { code: 99991400 } },
      'retriable SINK_THROTTLED',
      12_000,
    ],
    [
      'feishu',
      'a limit for ever',
      { status: 429, headers: { 'x-ogw-ratelimit-reset': '99999999999999' }, body: { code: 99991400 } },
      'retriable SINK_THROTTLED',
      3_600_000,
    ],
    ['wecom', 'too many', json({ errcode: 45009, errmsg: 'freq' }), 'retriable SINK_THROTTLED', 60_000],
    ['wecom', 'a removed robot', json({ errcode: 93000, errmsg: 'invalid webhook url' }), 'config SINK_UNAUTHORIZED', undefined],
    ['wecom', 'a bad parameter', json({ errcode: 40058, errmsg: 'exceed' }), 'data SINK_REJECTED_RECORD', undefined],
    [
      'teams',
      'a workflow that is off',
      { status: 400, body: { error: { code: 'WorkflowTriggerIsNotEnabled' } } },
      'config SINK_MISCONFIGURED',
      undefined,
    ],
    [
      'teams',
      'a card that does not fit',
      { status: 400, body: { error: { code: 'TriggerInputSchemaMismatch' } } },
      'data SINK_REJECTED_RECORD',
      undefined,
    ],
    ['teams', 'too large', { status: 413, body: 'Request Entity too large' }, 'data SINK_REJECTED_RECORD', undefined],
    ['teams', 'the old way of success', { status: 200, body: '1' }, 'delivered', undefined],
    [
      'teams',
      'the old way of failing',
      { status: 200, body: 'Webhook message delivery failed with error: HTTP error 429' },
      'retriable SINK_THROTTLED',
      undefined,
    ],
    [
      'pagerduty',
      'an invalid event',
      { status: 400, body: { status: 'invalid event', errors: ['x'] } },
      'data SINK_REJECTED_RECORD',
      undefined,
    ],
    ['pagerduty', 'a wrong key', { status: 403, body: {} }, 'config SINK_UNAUTHORIZED', undefined],
    ['pagerduty', 'accepted without success', { status: 202, body: { status: 'queued' } }, 'retriable SINK_UNAVAILABLE', undefined],
    ['alertmanager', 'its own failure', { status: 500, body: '"x"' }, 'retriable SINK_UNAVAILABLE', undefined],
    ['webhook', 'a page for people', { status: 405 }, 'config SINK_MISCONFIGURED', undefined],
    ['webhook', 'no more', { status: 410 }, 'config SINK_UNAUTHORIZED', undefined],
    ['webhook', 'later', { status: 503, headers: { 'retry-after': '90' } }, 'retriable SINK_UNAVAILABLE', 90_000],
    ['webhook', 'a redirect', { status: 308, headers: { location: '/hook2' } }, 'config SINK_MISCONFIGURED', undefined],
  ])('%s, %s', async (vendor, _, reply, expected, retryAfterMs) => {
    vendors.fail(reply);
    const [outcome] = await once({ channel: channel(vendor) }, { n: 1 });
    expect(inWords([outcome!])).toEqual([expected]);
    if (outcome instanceof RetriableError) expect(outcome.retryAfterMs).toBe(retryAfterMs);
    if (outcome instanceof ConnectorError) expect(outcome.message).not.toMatch(/sentinel|http:/);
    if (expected === 'config SINK_UNAUTHORIZED') expect(outcome).toMatchObject({ unauthorized: true });
    expect(vendors.accepted[vendor]).toEqual([]);
  });

  it('that a message is too long is answered once with half of it', async () => {
    vendors.fail({ status: 200, body: { errcode: 460101, errmsg: 'message too long' } }, 1);
    const text = '字'.repeat(20_000);
    expect(await once({ channel: channel('dingtalk') }, { text })).toEqual(['delivered']);
    expect(vendors.requests('dingtalk')).toBe(2);
    const [taken] = vendors.accepted.dingtalk;
    const size = Buffer.byteLength(JSON.stringify(taken?.body));
    expect(size).toBeLessThanOrEqual(10_000);
    expect(size).toBeGreaterThan(8_000);
  });

  it.each<[Vendor, number]>([
    ['dingtalk', 2],
    ['feishu', 2],
  ])('%s whose clock is hours ahead is signed for once more by its own clock', async (vendor, requests) => {
    vendors.clockSkewMs = 3 * 3_600_000;
    expect(await once({ channel: channel(vendor) }, { n: 1 })).toEqual(['delivered']);
    expect(vendors.requests(vendor)).toBe(requests);
  });

  it.each<[Vendor]>([['slack'], ['dingtalk'], ['feishu'], ['wecom'], ['teams'], ['pagerduty'], ['alertmanager'], ['webhook']])(
    '%s takes a text that is far too long, cut to what fits',
    async (vendor) => {
      const text = '磁盘 👩‍👩‍👧 "quoted" \n'.repeat(30_000);
      expect(await once({ channel: channel(vendor), text: '{value.text}' }, { text })).toEqual(['delivered']);
      expect(shownText(vendor, vendors.accepted[vendor][0]!).trimEnd()).toMatch(/…$/);
    },
  );
});

describe('groups, routes and what is over', () => {
  const byService = { group: '{value.service}', resolve: { field: 'state' } };
  const up = (service: string) => ({ service, state: 'resolved' });
  const down = (service: string, n = 0) => ({ service, n });

  it('similar records are one message, and each of them has an outcome', async () => {
    const values = Array.from({ length: 40 }, (_, n) => down(n % 2 === 0 ? 'pay' : 'shop', n));
    const outcomes = await once({ channel: channel('slack'), group: '{value.service}', title: '{value.service}' }, ...values);
    expect(outcomes).toEqual(values.map(() => 'delivered'));
    expect(vendors.accepted.slack.map(({ body }) => body['text'])).toEqual(['ERROR ×20: pay', 'ERROR ×20: shop']);
  });

  it('many different ones are a digest, which fails and is delivered as one', async () => {
    const values = Array.from({ length: 30 }, (_, n) => down(`service-${n}`));
    vendors.fail({ status: 500 }, 1);
    const given = { channel: channel('slack'), group: '{value.service}', title: '{value.service}' };
    expect(new Set(inWords(await once(given, ...values)))).toEqual(new Set(['retriable SINK_UNAVAILABLE']));
    expect(new Set(await once(given, ...values))).toEqual(new Set(['delivered']));
    expect(vendors.accepted.slack).toHaveLength(1);
    expect(shownText('slack', vendors.accepted.slack[0]!)).toContain('service-7');
  });

  it('what is refused in a digest or a group does not take those beside it along', async () => {
    const good = Array.from({ length: 9 }, (_, n) => down(`service-${n}`));
    const bad = { service: 'bad', text: 'REFUSE-THIS' };
    const given = { group: '{value.service}', title: '{value.service}' };
    for (const vendor of ['slack', 'dingtalk'] as const) {
      const outcomes = inWords(await once({ channel: channel(vendor), ...given }, ...good.slice(0, 4), bad, ...good.slice(4)));
      expect(outcomes).toEqual(Array(10).fill('delivered').with(4, 'data SINK_REJECTED_RECORD'));
    }
    const sameService = [down('pay', 1), down('pay', 2), { service: 'pay', text: 'REFUSE-THIS' }];
    for (const vendor of ['slack', 'webhook', 'pagerduty'] as const) {
      const outcomes = inWords(await once({ channel: channel(vendor), ...byService }, ...sameService, up('pay')));
      expect(outcomes).toEqual(['delivered', 'delivered', 'data SINK_REJECTED_RECORD', 'delivered']);
    }
    expect([...vendors.incidents.values()].map(({ isOpen }) => isOpen)).toEqual([false]);
  });

  it('a channel that refuses its credentials does not have the others told again and again', async () => {
    const channels = { chat: channel('slack'), hook: { ...channel('webhook'), url: { env: 'REVOKED' } } };
    const config = parseConfig(alert.config, { channels }, 'connector.sink');
    const sink = openedSink(
      () => alert.open(config, context({ ...secretsOf(vendors.port), REVOKED: `http://127.0.0.1:${vendors.port}/nowhere` })),
      async () => undefined,
    );
    const records = [record('a', { n: 1 })];
    for (const _ of [1, 2, 3]) {
      await sink.reopen({ signal });
      expect(inWords(await sink.write(records, { signal }))).toEqual(['config SINK_UNAUTHORIZED']);
    }
    expect(vendors.accepted.slack).toHaveLength(1);
    await sink.close?.();
  });

  it('a field that is no text says nothing, and keeps nobody from being told', async () => {
    const severity = { field: 'level', otherwise: 'info' };
    const odd = { toString: 1, valueOf: 1 };
    const values = [{ level: odd, state: 'resolved' }, { level: 'critical', state: [odd] }, { level: [odd] }];
    const given = { channel: channel('slack'), severity, group: '{key}', resolve: { field: 'state' } };
    expect(await once(given, ...values)).toEqual(Array(3).fill('delivered'));
  });

  it('a link can name the group', async () => {
    const link = { url: 'https://our.example/{connector}?group={group}&n={count}' };
    await once({ channel: channel('slack'), group: '{value.service}', link }, down('a b'), down('a b'));
    expect(JSON.stringify(vendors.accepted.slack)).toContain('https://our.example/quakes?group=a%20b&amp;n=2|');
  });

  it('PagerDuty resolves the alert that was triggered under the same key, also when the batch comes again', async () => {
    const batch = [down('pay'), down('shop'), up('pay')];
    for (const _ of [1, 2])
      expect(await once({ channel: channel('pagerduty'), ...byService }, ...batch)).toEqual(Array(3).fill('delivered'));
    const states = [...vendors.incidents].map(([key, { isOpen }]) => [key, isOpen]);
    expect(states).toEqual([
      ['quakes/pay', false],
      ['quakes/shop', true],
    ]);
  });

  it('Alertmanager resolves an alert whatever severity it had', async () => {
    const severity = { field: 'n', atLeast: { critical: 5, warning: 0 }, otherwise: 'info' };
    const given = { channel: channel('alertmanager'), ...byService, severity };
    await once(given, down('pay', 7), down('shop', 7));
    await once(given, up('pay'));
    expect([...vendors.alerts.values()].map(({ labels, isResolved }) => [labels, isResolved])).toEqual([
      [{ alertname: 'quakes', group: 'pay', severity: 'critical' }, true],
      [{ alertname: 'quakes', group: 'shop', severity: 'critical' }, false],
    ]);
  });

  it('an alert that Alertmanager refuses does not take those beside it along', async () => {
    const given = { channel: channel('alertmanager'), group: '{key}' };
    expect(inWords(await once(given, { n: 1 }, { text: 'REFUSE-THIS' }, { n: 3 }))).toEqual([
      'delivered',
      'data SINK_REJECTED_RECORD',
      'delivered',
    ]);
    expect(vendors.alerts.size).toBe(2);
  });

  it('each Alertmanager of a cluster is told, and one that answers is enough', async () => {
    const base = channel('alertmanager');
    const url = [`http://127.0.0.1:${vendors.port}`, 'http://127.0.0.1:9'];
    expect(await once({ channel: { ...base, url } }, { n: 1 })).toEqual(['delivered']);
    expect(vendors.alerts.size).toBe(1);
  });

  it('a channel that is dead does not keep the other from being told, nor tells it twice when it comes back', async () => {
    const channels = {
      chat: channel('slack'),
      hook: channel('webhook'),
      dead: { ...channel('pagerduty'), url: 'http://127.0.0.1:9/v2/enqueue' },
    };
    const sink = await open({ channels });
    const records = [record('a', { n: 1 }), record('b', { n: 2 })];
    for (const _ of [1, 2])
      expect(inWords(await sink.write(records, { signal }))).toEqual(
        Array(2).fill('retriable HTTP_UNREACHABLE').with(1, 'retriable HELD_BACK'),
      );
    expect(vendors.accepted.slack).toHaveLength(2);
    expect(vendors.accepted.webhook).toHaveLength(2);
    await sink.close?.();
  });

  it('each severity is told where its route leads, nobody is told of some, and all hear that it is over who can close it', async () => {
    const channels = { chat: channel('slack'), oncall: channel('pagerduty') };
    const routes = [{ severity: ['critical'], to: ['oncall'] }, { severity: ['info'], to: [] }, { to: ['chat'] }];
    const given = { channels, routes, ...byService, severity: { field: 'level', otherwise: 'info' } };
    const outcomes = await once(given, { service: 'a', level: 'critical' }, { service: 'b', level: 'warning' }, { service: 'c' }, up('a'));
    expect(outcomes).toEqual(['delivered', 'delivered', 'ignored', 'delivered']);
    expect(vendors.accepted.slack).toHaveLength(1);
    expect(vendors.accepted.pagerduty.map(({ body }) => body['event_action'])).toEqual(['trigger', 'resolve']);
  });

  it('a tombstone resolves where that is said', async () => {
    const sink = await open({ channel: channel('pagerduty'), group: '{key}', resolve: { tombstones: true } });
    expect(await sink.write([record('a', { n: 1 }), record('a', null)], { signal })).toEqual(['delivered', 'delivered']);
    expect([...vendors.incidents.values()].map(({ isOpen }) => isOpen)).toEqual([false]);
    await sink.close?.();
  });

  it('people are mentioned by severity, and not because something is over', async () => {
    const mentions = { critical: ['channel', 'U012AB3CD', 'S012AB3CD'] };
    const given = { channel: { ...channel('slack'), mentions }, ...byService, severity: 'critical' };
    await once(given, down('pay'), up('pay'));
    const [first, second] = vendors.accepted.slack.map(({ body }) => JSON.stringify(body));
    expect(first).toContain('<!channel> <@U012AB3CD> <!subteam^S012AB3CD>');
    expect(second).not.toContain('<!channel>');
  });

  it('WeCom mentions everybody and numbers by plain text, and people by markup', async () => {
    const said = async (who: string[]) => {
      await once({ channel: { ...channel('wecom'), mentions: { error: who } } }, { n: 1 });
      return vendors.accepted.wecom.at(-1)?.body;
    };
    expect(await said(['all', '13800000000'])).toMatchObject({
      msgtype: 'text',
      text: { mentioned_list: ['@all'], mentioned_mobile_list: ['13800000000'] },
    });
    expect(JSON.stringify(await said(['zhang']))).toContain('<@zhang>');
  });

  it('the same batch has the same webhook ids again, with a fresh time and signatures of both secrets', async () => {
    const sink = await open({ channel: channel('webhook') });
    const batch = [record('a', { n: 1 }), record('b', { n: 2 })];
    for (const _ of [1, 2]) await sink.write(batch, { signal });
    await sink.close?.();
    const ids = vendors.accepted.webhook.map(({ headers }) => headers['webhook-id']);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    expect(new Set(ids).size).toBe(2);
    for (const { headers } of vendors.accepted.webhook) expect(String(headers['webhook-signature']).split(' ')).toHaveLength(2);
  });

  it('a webhook signed with an ed25519 key is believed by who has the public key', async () => {
    const key = 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==';
    const sink = await open({ channel: { ...channel('webhook'), secrets: [{ env: 'KEY' }] } }, { ...secretsOf(vendors.port), KEY: key });
    expect(await sink.write([record('a', { n: 1 })], { signal })).toEqual(['delivered']);
    await sink.close?.();
  });

  it('goes on by itself once the secret of a revoked webhook was replaced', async () => {
    const right = secretsOf(vendors.port);
    let secrets: Readonly<Record<string, string>> = { ...right, SLACK: `${right['SLACK']}-revoked` };
    const sink = openedSink(
      () => open({ channel: channel('slack') }, secrets),
      async () => undefined,
    );
    await sink.ready({ signal });
    secrets = right;
    expect(await sink.write([record('a', { n: 1 })], { signal })).toEqual(['delivered']);
    expect(vendors.accepted.slack).toHaveLength(1);
    await sink.close?.();
  });

  it.each(['http://hooks.example/x', 'hooks.example', 'ftp://hooks.example/'])('refuses the URL %s without repeating it', async (url) => {
    const failure = open({ channel: { type: 'slack', url: { env: 'URL' } } }, { URL: url });
    await expect(failure).rejects.toThrow('Expected the secret of connector.sink.channel.url to hold a URL that begins with https://.');
  });
});

describe('e-mail', () => {
  let server: MailServer;
  beforeAll(async () => {
    server = await startMailServer({ requireTls: true });
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    server.mails.length = 0;
    server.work();
  });
  const mail = () => ({ ...channelOf('email', server.port), host: 'localhost', encryption: 'starttls', ca: server.ca });
  const send = async (options: object, value: object = { n: 1 }) => {
    const sink = await open({
      channel: { ...mail(), ...options },
      title: 'Disk of {value.host}',
      text: '<b>{value.host}</b> is full',
      link: { url: 'https://our.example/' },
    });
    const outcomes = await sink.write([record('a', value)], { signal });
    await sink.close?.();
    return outcomes;
  };

  it('goes over an encrypted connection, with a login, as text and as HTML', async () => {
    expect(await send({}, { host: 'db-1 <script>' })).toEqual(['delivered']);
    const [received] = server.mails;
    expect(received).toMatchObject({ from: 'alerts@example.com', to: ['oncall@example.com'], isEncrypted: true });
    expect(received?.headers.get('subject')).toMatch(/^=\?UTF-8\?Q\?ERROR=3A_Disk_of_db-1_=3C/);
    expect(received?.html).toContain('<b>db-1 &lt;\u200bscript&gt;</b> is full');
    expect(received?.html).toContain('<a href="https://our.example/">Open</a>');
    expect(received?.text).toContain('Open: https://our.example/');
    expect(received?.headers.get('message-id')).toMatch(/^<msg_[0-9a-f]{32}\.1@example\.com>$/);
  });

  it.each([
    ['a certificate that nobody vouches for', { ca: undefined }, 'config SINK_MISCONFIGURED'],
    ['recipients that do not exist', { to: ['nobody@example.com'] }, 'config SINK_MISCONFIGURED'],
    ['another login', { username: 'mallory' }, 'config SINK_UNAUTHORIZED'],
    ['no server', { port: 9 }, 'retriable SINK_UNAVAILABLE'],
    ['TLS where there is none', { encryption: 'tls', timeoutMs: 1_000 }, 'config SINK_MISCONFIGURED'],
  ])('says what is wrong with %s', async (_, options, expected) => {
    const { ca, ...rest } = { ...mail(), ...options };
    const outcomes = await send({ ...rest, ...(ca === undefined ? { ca: undefined } : {}) });
    expect(inWords(outcomes)).toEqual([expected]);
    expect(server.mails).toEqual([]);
    expect(String(outcomes[0])).not.toContain(mailLogin.password);
  });

  it('waits for a person where the server does not talk to this client at all', async () => {
    server.turnAway = true;
    expect(inWords(await send({}))).toEqual(['config SINK_MISCONFIGURED']);
  });

  it('reaches those recipients that exist', async () => {
    expect(await send({ to: ['nobody@example.com', 'oncall@example.com'] })).toEqual(['delivered']);
    expect(server.mails[0]?.to).toEqual(['oncall@example.com']);
  });
});
