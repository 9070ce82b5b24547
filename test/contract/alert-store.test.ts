import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseConfig, throwProblems } from '../../lib/core/config.ts';
import { ConnectorError, RetriableError } from '../../lib/core/errors.ts';
import { jsonLog } from '../../lib/core/log.ts';
import type { Outcome, Sink } from '../../lib/core/sink.ts';
import { openStore } from '../../lib/sinks/alert/store.ts';
import { alert } from '../../lib/sinks/alert.ts';
import { record } from '../support/records.ts';
import { type AlertVendors, startAlertVendors } from '../support/servers/alert-vendors.ts';
import { startProxy } from '../support/servers/proxy.ts';
import { describeWith } from '../support/servers/shared.ts';
import { channelOf, secretsOf } from './alert-support.ts';

describeWith(['postgres'], 'the memory of alert', ({ postgres }) => {
  const signal = AbortSignal.timeout(600_000);
  const schema = `alerts_${randomUUID().slice(0, 8)}`;
  let client: pg.Client;
  let vendors: AlertVendors;
  let table: string;
  const lines: string[] = [];
  const opened: Sink[] = [];
  beforeAll(async () => {
    vendors = await startAlertVendors();
    client = new pg.Client(postgres.url);
    await client.connect();
  });
  afterAll(async () => {
    for (const sink of opened) await sink.close?.();
    const { rows } = await client.query<{ name: string }>(`select tablename as name from pg_tables where tablename like '${schema}%'`);
    for (const { name } of rows) await client.query(`drop table ${name}`);
    await client.end();
    await vendors.stop();
  });
  beforeEach(() => {
    vendors.reset();
    vendors.work();
    lines.length = 0;
    table = `${schema}_${randomUUID().slice(0, 8)}`;
  });

  async function open(given: object, { url = postgres.url, store = {} }: { url?: string; store?: object } = {}): Promise<Sink> {
    const options = {
      channel: channelOf('slack', vendors.port),
      group: '{key}',
      title: '{key}',
      store: { url: { env: 'STORE' }, table, ...store },
      ...given,
    };
    const config = parseConfig(alert.config, options, 'connector.sink');
    throwProblems(alert.check?.(config) ?? []);
    const secrets = { ...secretsOf(vendors.port), STORE: url };
    const sink = await alert.open(config, {
      connector: 'quakes',
      log: jsonLog((line) => lines.push(line), { now: Date.now }),
      now: Date.now,
      secret: async (reference) => ('env' in reference ? (secrets[reference.env as 'STORE'] ?? '') : ''),
    });
    opened.push(sink);
    return sink;
  }
  const inWords = (outcomes: readonly Outcome[]) =>
    outcomes.map((outcome) => (outcome instanceof ConnectorError ? `${outcome.class} ${outcome.code}` : outcome));
  const titles = () => vendors.accepted.slack.map(({ body }) => body['text']);
  const later = (ms: number) =>
    client.query(
      `update ${table} set last_sent = last_sent - $1 * interval '1 ms', sending_until = sending_until - $1 * interval '1 ms',
         turns = array(select turn - $1 * interval '1 ms' from unnest(turns) as turn)`,
      [ms],
    );
  const say = async (sink: Sink, key: string, value: object = {}) => (await sink.write([record(key, value)], { signal }))[0]!;

  it('does not tell the same again before its time, whichever function is asked', async () => {
    const [one, other] = [await open({ repeatMs: 60_000 }), await open({ repeatMs: 60_000 })];
    expect(await say(one, 'a')).toBe('delivered');
    expect(await say(other, 'a')).toBe('ignored');
    expect(await say(other, 'b')).toBe('delivered');
    await later(59_000);
    expect(await say(one, 'a')).toBe('ignored');
    await later(2_000);
    expect(await say(one, 'a')).toBe('delivered');
    expect(titles()).toEqual(['ERROR: a', 'ERROR: b', 'ERROR: a']);
  });

  it('tells at once what got worse or is over', async () => {
    const severity = { field: 'level', otherwise: 'info' };
    const sink = await open({ repeatMs: 60_000, severity, resolve: { field: 'level', values: ['ok'] } });
    const said: Outcome[] = [];
    for (const level of ['warning', 'warning', 'critical', 'critical', 'ok', 'ok', 'warning']) said.push(await say(sink, 'a', { level }));
    expect(said).toEqual(['delivered', 'ignored', 'delivered', 'ignored', 'delivered', 'ignored', 'delivered']);
    expect(titles()).toEqual(['WARNING: a', 'CRITICAL: a', 'RESOLVED: a', 'WARNING: a']);
  });

  it('lets one of many functions tell, when all are asked at the same time and none has a table yet', async () => {
    const sinks = await Promise.all(Array.from({ length: 6 }, () => open({ repeatMs: 60_000 })));
    const outcomes = inWords(await Promise.all(sinks.map((sink) => say(sink, 'a'))));
    expect(outcomes.filter((outcome) => outcome === 'delivered')).toHaveLength(1);
    for (const outcome of outcomes) expect(['delivered', 'ignored', 'retriable SINK_BUSY']).toContain(outcome);
    expect(titles()).toEqual(['ERROR: a']);
  });

  it('does not take for told what another function gave back meanwhile', async () => {
    const [one, other] = [openStore(postgres.url, table, 5_000), openStore(postgres.url, table, 5_000)];
    const place = { connector: 'c', channel: 'x' };
    expect(await one.claim(place, [['key', 'firing']], 60_000)).toMatchObject([{ verdict: 'mine' }]);
    expect(await other.claim(place, [['key', 'firing']], 60_000)).toMatchObject([{ verdict: 'busy' }]);
    // The first gives it back between the two questions of the other.
    await client.query(`create function ${table}_back() returns trigger language plpgsql as
      'begin update ${table} set sending_until = null, holder = null; return null; end';
      create trigger back after insert on ${table} for each statement execute function ${table}_back()`);
    expect(await other.claim(place, [['key', 'firing']], 60_000)).toMatchObject([{ verdict: 'busy' }]);
    await client.query(`drop function ${table}_back cascade`);
    expect(await other.claim(place, [['key', 'firing']], 60_000)).toMatchObject([{ verdict: 'mine' }]);
    await Promise.all([one.close(), other.close()]);
  });

  it('is a wrong setting when the secret holds no connection string, which is not repeated', async () => {
    const outcome = await say(await open({ repeatMs: 60_000 }, { url: 'postgresql://sentinel:sentinel@[' }), 'a');
    expect(outcome).toMatchObject({ class: 'config', code: 'ALERT_STORE_MISCONFIGURED' });
    expect(String(outcome)).not.toContain('sentinel');
  });

  it('forgets what could not be sent', async () => {
    const sink = await open({ repeatMs: 60_000 });
    vendors.fail({ status: 503 }, 1);
    expect(inWords([await say(sink, 'a')])).toEqual(['retriable SINK_UNAVAILABLE']);
    expect(await say(sink, 'a')).toBe('delivered');
  });

  it('waits no longer than its lease for who died while telling', async () => {
    const sink = await open({ repeatMs: 60_000 });
    expect(await say(sink, 'a')).toBe('delivered');
    await client.query(`update ${table} set last_sent = null, state = null, holder = 'dead', sending_until = now() + interval '40 s'`);
    const busy = await say(sink, 'a');
    expect(inWords([busy])).toEqual(['retriable SINK_BUSY']);
    expect((busy as RetriableError).retryAfterMs).toBeGreaterThan(30_000);
    await later(41_000);
    expect(await say(sink, 'a')).toBe('delivered');
  });

  it('counts the messages of all functions, and says when there may be another', async () => {
    const channel = { ...channelOf('slack', vendors.port), rateLimit: { messages: 3, perMs: 60_000 } };
    const sinks = await Promise.all([1, 2, 3, 4, 5].map(() => open({ channel })));
    const outcomes = await Promise.all(sinks.map((sink, n) => say(sink, `k${n}`)));
    expect(inWords(outcomes).toSorted()).toEqual([
      'delivered',
      'delivered',
      'delivered',
      'retriable SINK_THROTTLED',
      'retriable SINK_THROTTLED',
    ]);
    const { retryAfterMs } = outcomes.find((outcome) => outcome instanceof RetriableError) as RetriableError;
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    await later(61_000);
    expect(await say(sinks[0]!, 'late')).toBe('delivered');
    expect(vendors.requests('slack')).toBe(4);
  });

  it('tells nobody of what is silenced, by group, prefix, severity and time', async () => {
    const sink = await open({ silences: true, severity: { field: 'level', otherwise: 'error' } });
    expect(await say(sink, 'db-1')).toBe('delivered'); // makes the tables
    await client.query(`insert into ${table}_silences (group_name, severity, channel, starts_at, ends_at) values
      ('db-*', null, null, now(), now() + interval '1 h'), ('web', 'info', null, now(), now() + interval '1 h'),
      ('gone', null, null, now() - interval '2 h', now() - interval '1 h'), ('other', null, 'elsewhere', now(), now() + interval '1 h')`);
    const said = [
      await say(sink, 'db-1'),
      await say(sink, 'web', { level: 'info' }),
      await say(sink, 'web'),
      await say(sink, 'gone'),
      await say(sink, 'other'),
    ];
    expect(said).toEqual(['ignored', 'ignored', 'delivered', 'delivered', 'delivered']);
  });

  it('leaves out of a digest what was told before', async () => {
    const sink = await open({ repeatMs: 60_000, digestOver: 1 });
    await say(sink, 'a');
    const outcomes = await sink.write(
      ['a', 'b', 'c', 'b'].map((key) => record(key, {})),
      { signal },
    );
    expect(outcomes).toEqual(['ignored', 'delivered', 'delivered', 'delivered']);
    expect(titles()).toEqual(['ERROR: a', 'ERROR: 2 alerts of quakes']);
  });

  it('sends without the store while it is down, and says so; or waits for it where that is wanted', async () => {
    const proxy = await startProxy({ host: postgres.host, port: postgres.port });
    const url = postgres.url.replace(/@[^/]+\//, `@127.0.0.1:${proxy.port}/`);
    const sender = await open({ repeatMs: 60_000 }, { url });
    const waiter = await open({ repeatMs: 60_000 }, { url, store: { whenDown: 'wait', timeoutMs: 300 } });
    expect(await say(sender, 'a')).toBe('delivered');
    await proxy.refuse();
    expect(await say(sender, 'a')).toBe('delivered');
    expect(inWords([await say(waiter, 'b')])).toEqual(['retriable ALERT_STORE_UNAVAILABLE']);
    expect(lines.join()).toContain('ALERT_STORE_UNAVAILABLE');
    await proxy.pass();
    proxy.hang();
    expect(inWords([await say(waiter, 'b')])).toEqual(['retriable ALERT_STORE_UNAVAILABLE']);
    await proxy.pass();
    expect(await say(sender, 'a')).toBe('ignored');
    expect(await say(waiter, 'b')).toBe('delivered');
    await proxy.stop();
  });

  it('is a wrong setting when the database refuses the login, and the password is not repeated', async () => {
    const url = postgres.url.replace(postgres.password, 'sentinel-wrong');
    const outcome = await say(await open({ repeatMs: 60_000 }, { url }), 'a');
    expect(outcome).toMatchObject({ class: 'config', code: 'ALERT_STORE_MISCONFIGURED', unauthorized: true });
    expect(String(outcome)).not.toContain('sentinel');
  });

  it('keeps no text of a group, only its hash', async () => {
    await say(await open({ repeatMs: 60_000 }), 'secret name');
    const { rows } = await client.query(`select * from ${table}`);
    expect(JSON.stringify(rows)).not.toContain('secret name');
  });

  it('gives every turn once, however many ask', async () => {
    const store = openStore(postgres.url, table, 5_000);
    const place = { connector: 'c', channel: 'x' };
    const waits = await Promise.all(Array.from({ length: 20 }, () => store.takeTurn(place, { messages: 7, perMs: 60_000 })));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(7);
    await store.close();
  });
});
