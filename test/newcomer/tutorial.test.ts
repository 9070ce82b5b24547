import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { clusterWith } from '../support/clusters.ts';
import { deployedService } from '../support/deployed.ts';
import { isShown, type Step, stepsOf } from '../support/docs/console-blocks.ts';
import { type Newcomer, newcomer, save } from '../support/newcomer.ts';
import { describeWith } from '../support/servers/shared.ts';

const page = fileURLToPath(new URL('../../docs/tutorial.md', import.meta.url));
const compiler = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
const brokersOnThePage = 'localhost:9092';
const group = 'quakes-dev-dev-quakes-to-console';

// A whole first hour, one step after the other: the package as it would be published, an empty folder, and the page.
describeWith(['kafka', 'aws'], 'somebody who follows the tutorial', async ({ kafka: { brokers }, aws }) => {
  const steps = stepsOf(await readFile(page, 'utf8'));
  const cluster = await clusterWith({ bootstrapServers: brokers });
  let person: Newcomer;

  beforeAll(async () => {
    person = await newcomer(aws.env);
    await freshTopics();
  });
  afterAll(() => person?.leave());

  /** What this machine has in the place of what the page says. */
  const here = (text: string): string =>
    text.replaceAll(brokersOnThePage, brokers).replace('npm install sluice', `npm install ${person.tarball}`);

  it.each(steps.map((step) => ({ step, title: titleOf(step) })))('$title', async ({ step }) => {
    if (step.kind === 'write') return await save(person, step.file, step.text);
    if (step.kind === 'yaml') return await edit(person, step);
    const { code, output } = await person.type(here(step.command));
    expect({ code, output, isShown: isShown(output, step.output.map(here)) }).toEqual({ code: step.exitCode, output, isShown: true });
  });

  it('has function and test files whose types are right', async () => {
    const output = await new Promise((resolve) =>
      execFile(compiler, ['-p', '.'], { cwd: person.folder() }, (_, stdout) => resolve(stdout)),
    );
    expect(output).toBe('');
  });

  it('has a package whose every entry can be imported', async () => {
    const folder = join(person.folder(), 'node_modules/sluice');
    const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { readonly exports: object };
    const entries: string[] = [];
    for (const entry of Object.keys(exports)) {
      if (!entry.endsWith('*')) entries.push(entry.replace('.', 'sluice'));
      else
        for (const file of await readdir(join(folder, 'dist', entry.slice(2, -1))))
          if (/^[^.]+\.js$/.test(file)) entries.push(`sluice/${entry.slice(2, -1)}${file.slice(0, -3)}`);
    }
    expect(entries).toEqual(
      expect.arrayContaining([
        'sluice',
        'sluice/testing',
        'sluice/plugin',
        'sluice/sinks/postgres',
        'sluice/formats/json',
        'sluice/transforms/filter',
      ]),
    );
    const program = `for (const entry of ${JSON.stringify(entries)}) await import(entry, entry.endsWith('.json') ? { with: { type: 'json' } } : {});`;
    await save(person, 'import-all.mjs', program);
    expect(await person.type('node --disable-warning=ExperimentalWarning import-all.mjs')).toEqual({ code: 0, output: '' });
  });

  it('has masked samples, with the values of the records', async () => {
    const samples = (await readFile(join(person.folder(), 'test/samples/quakes.jsonl'), 'utf8')).trim().split('\n');
    const keys = samples.map((line) => (JSON.parse(line) as { readonly key: string }).key);
    expect(samples.join()).toContain('44km E of Great Swan Island, Honduras');
    expect(keys.map((key) => key.length)).toEqual([10, 10, 10]);
    expect(keys).not.toContain('us1000chhc');
  });

  it('has read the topic to its end, as a group of their own', async () => {
    const admin = await cluster.admin();
    const offsets = await admin.committed(group, ['quakes']);
    await admin.close();
    expect(offsets.map(({ offset }) => offset)).toEqual([3]);
  });

  it('has two functions behind triggers, deployed, and gets rid of them again', async () => {
    const deployed = deployedService(aws.endpoint, 'quakes-prod');
    expect([...(await deployed.mappings()).keys()].toSorted()).toEqual(['quakes-to-console quakes', 'quakes-to-postgres quakes']);
    expect([...(await deployed.functions()).values()].map(({ Runtime }) => Runtime)).toEqual(['nodejs24.x', 'nodejs24.x']);
    expect((await deployed.allowed('quakes-to-postgres')).get('ssm:GetParameter')).toEqual([
      'arn:aws:ssm:eu-west-1:123456789012:parameter/quakes/database',
    ]);
    const { code, output } = await person.type('KAFKA_BROKERS=kafka.example.org:9092 npx serverless remove --stage prod');
    expect(code, output).toBe(0);
    expect((await deployed.functions()).size).toBe(0);
    deployed.close();
  });

  /** Other tests of the run may have used these names. */
  async function freshTopics(): Promise<void> {
    const admin = await cluster.admin();
    for (const topic of ['quakes', 'quakes.dlq']) {
      if ((await admin.topics()).includes(topic)) await admin.deleteTopic(topic);
      await vi.waitFor(async () => expect(await admin.createTopic({ topic })).toBe(true), { timeout: 20_000, interval: 200 });
    }
    await admin.close();
  }
});

function titleOf(step: Step): string {
  const what =
    step.kind === 'run' ? step.command : step.kind === 'write' ? `writes ${step.file}` : `${step.isThere ? 'finds' : 'edits'} ${step.file}`;
  return `line ${step.line}: ${what}`;
}

/** Makes a function's block what the page says, or finds it to be so. */
async function edit(person: Newcomer, { file, text, isThere }: Extract<Step, { kind: 'yaml' }>): Promise<void> {
  const path = join(person.folder(), file);
  const document = parseDocument(await readFile(path, 'utf8'));
  const { functions } = parse(text) as { readonly functions: Readonly<Record<string, unknown>> };
  for (const [name, block] of Object.entries(functions)) {
    if (isThere) expect(document.toJS().functions[name]).toEqual(block);
    else document.setIn(['functions', name], block);
  }
  if (!isThere) await save(person, file, document.toString());
}
