import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildApplication, run } from '@stricli/core';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../lib/cli/routes.ts';
import { nullHeaderValue, type OutgoingRecord } from '../../lib/clients/kafka/record-batch.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { openConnector, realClock } from '../../lib/compose.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { Header, SourceRecord } from '../../lib/core/record.ts';
import { parseSettings } from '../../lib/core/settings.ts';
import type { Transform } from '../../lib/core/transform.ts';
import { postgres } from '../../lib/sinks/postgres.ts';
import { clusterWith, newTopic } from '../support/clusters.ts';
import { describeWith } from '../support/servers/shared.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const application = buildApplication(routes, {
  name: 'sluice',
  scanner: { caseStyle: 'allow-kebab-for-camel' },
  determineExitCode: (error) => (error instanceof ConfigError ? 2 : 1),
});
const program = ['--conditions=sluice-source', fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url)), 'dlq'];
const signal = new AbortController().signal;
const database = 'dlq_commands';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ReplayAnswer {
  readonly letters: number;
  readonly done: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly failed: number;
  readonly interrupted: boolean;
  readonly alreadyReplayed: number;
  readonly failures: readonly { readonly letter: string; readonly code: string }[];
  readonly held: readonly { readonly letter: string; readonly because: string }[];
}

interface ListAnswer {
  readonly groups: readonly {
    readonly connector: string;
    readonly group: string;
    readonly letters: number;
    readonly code: string;
    readonly replayed: number;
    readonly example: string;
  }[];
}

const header = (key: string, value: string | Uint8Array): Header => ({
  key,
  value: typeof value === 'string' ? Buffer.from(value) : value,
});
const partitionOf = (key: string): number => Number(/\d+/.exec(key)?.[0] ?? 0) % 2;
const fanOut = (record: { value: { amounts: number[] } }) => record.value.amounts.map((amount) => ({ ...record, value: { amount } }));

describeWith(['kafka', 'postgres'], 'sluice dlq', (servers) => {
  const { brokers } = servers.kafka;
  const url = new URL(servers.postgres.url);
  url.pathname = `/${database}`;
  const env = { DATABASE_URL: url.href };
  let cluster: Cluster;
  let client: pg.Client;
  let folder: ServiceFolder;
  let topic: string;
  let letterTopic: string;
  let letterTopics: { readonly quakes: string };
  let connectors: Readonly<Record<string, { readonly trigger: object; readonly sink: object; readonly onError: object }>>;

  beforeAll(async () => {
    const admin = new pg.Client(servers.postgres.url);
    await admin.connect();
    await admin.query(`drop database if exists ${database} with (force)`);
    await admin.query(`create database ${database}`);
    await admin.end();
    client = new pg.Client(url.href);
    await client.connect();
    cluster = await clusterWith({ bootstrapServers: brokers });
    topic = await newTopic(cluster, { partitions: 2 });
    letterTopic = await newTopic(cluster, { partitions: 2 });
    letterTopics = { quakes: await newTopic(cluster) };
    const connector = (sink: object, deadLetterTopic = letterTopic) => ({
      trigger: { topic },
      sink: { type: 'postgres', url: { env: 'DATABASE_URL' }, autoCreate: true, ...sink },
      onError: { deadLetterTopic, tolerance: 'all' },
    });
    const byKey = { write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', columns: { id: 'text', total: 'smallint' } };
    connectors = {
      'orders-to-rows': connector({ table: 'rows', ...byKey }),
      'orders-to-others': connector({ table: 'others', ...byKey }),
      'orders-to-parts': connector({ table: 'parts', primaryKeyFrom: 'origin', columns: { amount: 'smallint' } }),
    };
    connectors = {
      ...connectors,
      'quakes-to-postgres': connector(
        { table: 'quakes', write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', autoEvolve: true },
        letterTopics.quakes,
      ),
    };
    folder = await serviceFolder({
      'serverless.yml': JSON.stringify({
        service: 'shop',
        sluice: { cluster: { bootstrapServers: brokers } },
        functions: Object.fromEntries(
          Object.entries(connectors).map(([name, own]) => [
            name,
            { handler: `functions/${name === 'orders-to-parts' ? 'parts' : 'rows'}.handler`, connector: own },
          ]),
        ),
      }),
      'functions/rows.ts': `import { connect } from 'sluice';
import { postgres } from 'sluice/sinks/postgres';
export const handler = connect({ sink: postgres });
`,
      'functions/parts.ts': `import { connect } from 'sluice';
import { postgres } from 'sluice/sinks/postgres';
export const handler = connect({ sink: postgres, transform: ${String(fanOut)} });
`,
      'mend.ts': `export function edit({ text }: { text: string }) {
  return text.endsWith('}}') ? { value: text.slice(0, -1) } : null;
}
`,
    });
  });
  afterAll(async () => {
    await client?.end();
    await folder?.remove();
  });

  /** Runs a command in this process, as the program does. */
  async function sluice(...args: string[]): Promise<Ran> {
    const printed: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
    const stdout = { write: (text: string) => void printed.stdout.push(text) };
    const stderr = { write: (text: string) => void printed.stderr.push(text) };
    let code = 0;
    const exit = (asked: number): void => {
      code = asked;
    };
    const own = { stdout, stderr, env: {}, exitCode: null as number | string | null };
    const stdin = (async function* (): AsyncGenerator<string> {})();
    await run(application, ['dlq', ...args, '--config', folder.config], {
      process: own,
      world: { env: childEnv(), stdin, stdout, stderr, signal },
      exit,
    });
    return { stdout: printed.stdout.join(''), stderr: printed.stderr.join(''), code: Number(own.exitCode ?? 0) || code };
  }
  const childEnv = () => {
    const { NODE_OPTIONS: _, ...own } = process.env;
    return { ...own, ...env, NO_COLOR: '1' };
  };
  const json = async <Answer>(...args: string[]): Promise<Answer & { readonly code: number }> => {
    const { code, stdout, stderr } = await sluice(...args, '--json');
    if (stdout === '') throw new Error(stderr);
    return { ...(JSON.parse(stdout) as Answer), code };
  };

  /** Produces, and takes what was produced through a connector as a worker would. */
  async function consume(
    name: string,
    values: readonly (readonly [key: string, value: string])[],
    options: { transform?: Transform; again?: boolean } = {},
  ) {
    const producer = cluster.producer();
    const outgoing = values.map(
      ([key, value]): OutgoingRecord => ({
        topic,
        partition: partitionOf(key),
        key: Buffer.from(key),
        value: Buffer.from(value),
        headers: [header('trace', `t-${key}`)],
      }),
    );
    const before = await ends();
    expect(await producer.send(outgoing, { signal })).toEqual(values.map(() => 'sent'));
    await producer.close();
    const records = await recordsSince(topic, before);
    const connector = await openConnector(
      { sink: postgres, ...(options.transform === undefined ? {} : { transform: options.transform }) },
      {
        name,
        settings: parseSettings(connectors[name]),
        cluster: { bootstrapServers: brokers },
        environment: { env, clock: realClock, log: silentLog, reportBatch: () => undefined },
      },
    );
    const process = () => connector.process(records, { mode: 'partial', deadline: Date.now() + 30_000 });
    await process();
    if (options.again === true) await process(); // its acknowledgement was lost
    await connector.close();
    return records;
  }

  async function ends(of = topic): Promise<ReadonlyMap<number, number>> {
    const inspector = await cluster.inspector();
    const found = await inspector.offsets(of, 'next');
    inspector.destroy();
    return found;
  }

  async function recordsSince(of: string, before: ReadonlyMap<number, number>): Promise<readonly SourceRecord[]> {
    const inspector = await cluster.inspector();
    const records: SourceRecord[] = [];
    for (const [partition, from] of before)
      records.push(...(await inspector.head(of, partition, from, 1_000)).filter(({ origin }) => origin.offset >= from));
    inspector.destroy();
    return records;
  }

  const query = async (sql: string): Promise<Record<string, unknown>[]> => (await client.query(sql)).rows;
  const countOf = async (table: string): Promise<number> => Number((await query(`select count(*) from ${table}`))[0]?.['count']);

  describe('into the sink', () => {
    let group = '';

    it('lists what failed by kind and connector, each record once however many letters it has', async () => {
      const values = Array.from(
        { length: 60 },
        (_, index) => [`k${index}`, JSON.stringify({ total: index % 2 === 0 ? index : 100_000 + index })] as const,
      );
      await consume('orders-to-rows', [...values, ['broken', '{"total": 7}}']], { again: true });
      await consume('orders-to-rows', [
        ['k1', '{"total": 1}'],
        ['pad', '{"total": 0}'],
      ]); // newer than the letter of k1
      await consume('orders-to-others', [['a', '{"total": 100000}']]);
      const { groups, code } = await json<ListAnswer>('list');
      expect(groups[0]).toMatchObject({ connector: 'orders-to-rows', letters: 30, code: 'SINK_REJECTED_RECORD' });
      group = groups[0]!.group;
      expect(groups.slice(1)).toHaveLength(2);
      expect(groups).toContainEqual(expect.objectContaining({ connector: 'orders-to-rows', letters: 1, code: 'RECORD_UNDECODABLE' }));
      expect(groups).toContainEqual(expect.objectContaining({ connector: 'orders-to-others', letters: 1, code: 'SINK_REJECTED_RECORD' }));
      expect(code).toBe(0);
      const text = await sluice('list', 'orders-to-rows');
      expect(text.stdout).toMatch(
        /^ {2}group +letters +first seen +last seen +stage +because\n {2}[0-9a-f]{4} +30 .* sink +SINK_REJECTED_RECORD {2}.*"total"/,
      );
    });

    it('tries some of them up to the target without writing', async () => {
      const { stdout, code } = await sluice('replay', 'orders-to-rows', '--group', group.slice(0, 6), '--dry-run');
      expect(stdout).toContain('30 letters would be sent through orders-to-rows again, oldest first.');
      expect(stdout).toContain('A trial with 20 of them, up to the target: 20 would be written.');
      expect(code).toBe(0);
      expect(await countOf('rows')).toBe(32);
    });

    it('goes on after an interruption where it stopped, and writes each record once', async () => {
      await client.query('alter table rows alter column total type integer');
      const args = [...program, 'replay', 'orders-to-rows', '--origin', topic, '--rate', '4', '--json'];
      const child = spawn(process.execPath, args, { cwd: folder.path, env: childEnv() });
      let printed = '';
      child.stdout.on('data', (chunk) => {
        printed += chunk;
      });
      const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
      while ((await countOf('rows')) === 32 && child.exitCode === null) await sleep(20);
      child.kill('SIGINT');
      const first = { ...(JSON.parse(await ended.then(() => printed)) as ReplayAnswer), code: await ended };
      expect(first).toMatchObject({ code: 1, letters: 31, interrupted: true });
      expect(first.done).toBeGreaterThanOrEqual(4);
      expect(first.done).toBeLessThan(31);
      // What was delivered is changed behind its back: a second delivery would show.
      await client.query('create table delivered as select id from rows where total > 32767');
      await client.query('update rows set total = -1 where total > 32767');

      const rest = await json<ReplayAnswer>('replay', 'orders-to-rows');
      expect(rest).toMatchObject({
        letters: 31 - first.done + first.failed,
        alreadyReplayed: first.done - first.failed,
        interrupted: false,
        code: 1,
      });
      expect(first.delivered + rest.delivered).toBe(29);
      expect(first.ignored + rest.ignored).toBe(1); // k1
      expect(rest.failures).toEqual([expect.objectContaining({ code: 'RECORD_UNDECODABLE' })]);
      expect(await query("select total from rows where id = 'k59'")).toEqual([{ total: 100_059 }]);
      expect(await query("select total from rows where id = 'k1'")).toEqual([{ total: 1 }]);
      expect(await query('select distinct total from rows where id in (select id from delivered)')).toEqual([{ total: -1 }]);
      expect(await countOf('rows')).toBe(61);
      expect(await query('select distinct _sluice_topic from rows')).toEqual([{ _sluice_topic: topic }]);
    });

    it('edits letters before they are sent', async () => {
      const { stdout, code } = await sluice('replay', 'orders-to-rows', '--transform', `${folder.path}/mend.ts`);
      expect(stdout).toBe('  1 of 1 letter   1 delivered   0 failed\n');
      expect(code).toBe(0);
      expect(await query("select total from rows where id = 'broken'")).toEqual([{ total: 7 }]);
      const { groups } = await json<ListAnswer>('list', 'orders-to-rows', '--all');
      expect(groups.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(31);
      expect(groups.every(({ letters }) => letters === 0)).toBe(true);
    });

    it('holds a letter that failed again too often, and names it', async () => {
      const failed = await json<ReplayAnswer>('replay', 'orders-to-others', '--max-replays', '1');
      expect(failed).toMatchObject({ letters: 1, delivered: 0, failed: 1, code: 1 });
      const held = await sluice('replay', 'orders-to-others', '--max-replays', '1');
      expect(held.stdout).toMatch(
        new RegExp(`^ {2}held +${letterTopic}-\\d@\\d+ failed again after a replay: mend the cause, then say --max-replays 2\n$`),
      );
      expect(held.code).toBe(1);
      expect(await countOf('others')).toBe(0);
    });

    it('sends only the parts that failed', async () => {
      const [record] = await consume('orders-to-parts', [['p', '{"amounts": [1, 100000, 3]}']], {
        transform: fanOut as unknown as Transform,
      });
      expect(await countOf('parts')).toBe(2);
      await client.query('delete from parts where amount = 1');
      await client.query('alter table parts alter column amount type integer');
      expect(await json<ReplayAnswer>('replay', 'orders-to-parts')).toMatchObject({ letters: 1, delivered: 1, code: 0 });
      expect(await query('select amount, _sluice_topic, _sluice_offset from parts order by amount')).toEqual([
        expect.objectContaining({ amount: 3 }),
        { amount: 100_000, _sluice_topic: topic, _sluice_offset: String(record!.origin.offset) },
      ]);
    });
  });

  describe('to the original topic', () => {
    it('sends what Kafka Connect dead-lettered, and nothing of others', async () => {
      const connect = (offset: number, ...more: Header[]): OutgoingRecord => ({
        topic: letterTopic,
        key: Buffer.from([0xff, offset]),
        value: Buffer.from(`v${offset}`),
        timestamp: Date.now() - 5_000,
        headers: [
          header('a', '1'),
          header('none', nullHeaderValue),
          header('a', '2'),
          ...more,
          header('__connect.errors.topic', topic),
          header('__connect.errors.partition', '1'),
          header('__connect.errors.offset', String(offset)),
          header('__connect.errors.connector.name', 'pg-sink'),
          header('__connect.errors.stage', 'TASK_PUT'),
          header('__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'),
          header('__connect.errors.exception.message', 'no column 17'),
        ],
      });
      const producer = cluster.producer();
      expect(await producer.send([connect(1_000), connect(1_001, header('sluice.replays', '3'))], { signal })).toEqual(['sent', 'sent']);
      await producer.close();
      const { groups } = await json<ListAnswer>('list', 'pg-sink', '--topic', letterTopic);
      expect(groups).toEqual([expect.objectContaining({ connector: 'pg-sink', letters: 2, code: 'DataException' })]);

      const unknown = await sluice('replay', 'pg-sink', '--topic', letterTopic);
      expect(unknown.stderr).toContain('pg-sink is no connector of this service');
      expect(unknown.code).toBe(2);

      const before = await ends();
      const replayed = await json<ReplayAnswer>('replay', 'pg-sink', '--topic', letterTopic, '--to', 'topic');
      expect(replayed).toMatchObject({ letters: 1, delivered: 1, code: 1 });
      expect(replayed.held).toEqual([
        expect.objectContaining({ because: 'failed again after 3 replays: mend the cause, then say --max-replays 4' }),
      ]);
      const sent = await recordsSince(topic, before);
      expect(sent.map(({ origin, key, value }) => [origin.partition, [...key!], String(value)])).toEqual([
        [1, [0xff, 1_000 % 256], 'v1000'],
      ]);
      expect(sent[0]!.headers.map(({ key, value }) => [key, value === nullHeaderValue ? null : String(value)])).toEqual([
        ['a', '1'],
        ['none', null],
        ['a', '2'],
        ['sluice.replays', '1'],
      ]);
      expect(Date.now() - sent[0]!.timestamp).toBeGreaterThanOrEqual(5_000);
      expect(await json<ReplayAnswer>('replay', 'pg-sink', '--topic', letterTopic, '--to', 'topic')).toMatchObject({
        letters: 0,
        alreadyReplayed: 1,
      });
    });
  });

  it('runs every command of docs/dead-letters.md', async () => {
    const page = await readFile(new URL('../../docs/dead-letters.md', import.meta.url), 'utf8');
    const [code = ''] = [...page.matchAll(/```ts\n([^`]*)```/g)].map((match) => match[1] ?? '');
    await folder.write('documented.ts', code);
    await client.query('create table quakes (id text primary key, depth smallint)');
    await consume('quakes-to-postgres', [
      ['ci1', '{"depth": 100000}'],
      ['ci2', '{"depth": 200000}'],
      ['ci3', '{"depth": 3}}'],
    ]);
    await client.query('alter table quakes alter column depth type integer');
    const { groups } = await json<ListAnswer>('list', 'quakes-to-postgres');
    const [large, broken] = groups.map((each) => each.group.slice(0, 6));
    const producer = cluster.producer();
    const origin = [
      header('__connect.errors.topic', topic),
      header('__connect.errors.partition', '0'),
      header('__connect.errors.offset', '5'),
    ];
    const headers = [...origin, header('__connect.errors.connector.name', 'pg-sink')];
    await producer.send([{ topic: letterTopics.quakes, key: null, value: Buffer.from('v'), headers }], { signal });
    await producer.close();

    const commands = [...page.matchAll(/^npx sluice dlq (.*)$/gm)].map((match) => match[1] ?? '');
    expect(commands.length).toBeGreaterThan(8);
    for (const command of commands) {
      const args = command
        .replaceAll('quakes.dlq-0@3', groups[0]!.example)
        .replaceAll('quakes.dlq', letterTopics.quakes)
        .replaceAll('7f3a', large ?? '')
        .replaceAll('c01d', broken ?? '')
        .replaceAll(/(letters\.jsonl)/g, `${folder.path}/$1`)
        .replaceAll('mend.ts', `${folder.path}/documented.ts`)
        .split(' ');
      const { code: exitCode, stdout, stderr } = await sluice(...args);
      expect({ command, exitCode, stderr }).toEqual({ command, exitCode: 0, stderr: '' });
      expect(stdout).not.toContain('No such letters.');
    }
    expect(await query('select id, depth from quakes order by id')).toEqual([
      { id: 'ci1', depth: 100_000 },
      { id: 'ci2', depth: 200_000 },
      { id: 'ci3', depth: 3 },
    ]);
  });

  it('shows and exports letters with their bytes', async () => {
    const letters = await sluice('export', 'orders-to-rows', '--origin', `${topic}-0`, '--text', '--out', `${folder.path}/letters.jsonl`);
    expect(letters.stdout).toMatch(/^ {2}\d+ letters? written to .*letters.jsonl\n$/);
    const lines = (await readFile(`${folder.path}/letters.jsonl`, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, never>);
    const broken = lines.find(({ code }) => code === 'RECORD_UNDECODABLE') as unknown as {
      letter: string;
      key: object;
      value: object;
      replayed: boolean;
    };
    expect(broken).toMatchObject({
      key: { text: 'broken' },
      value: { text: '{"total": 7}}' },
      headers: [{ key: 'trace', value: { text: 't-broken' } }],
    });
    const shown = await sluice('show', broken.letter);
    expect(shown.stdout).toMatch(
      /^test-.*\n {2}from +test-.*-0@30\n {2}connector +orders-to-rows, settings [0-9a-f]{8}\n {2}because +RECORD_UNDECODABLE /,
    );
    expect(shown.stdout).toContain('value       {"total": 7}}   (13 bytes)');
    expect(shown.code).toBe(0);
  });
});
