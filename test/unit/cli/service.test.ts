// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReadServiceOptions, readService } from '../../../lib/cli/service.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-service-'));
  await mkdir(join(folder, 'functions'));
  for (const name of ['a', 'b']) await writeFile(join(folder, 'functions', `${name}.ts`), '');
});
afterEach(() => rm(folder, { recursive: true }));

async function read(yaml: string, options: Partial<ReadServiceOptions> = {}) {
  const file = join(folder, 'serverless.yml');
  await writeFile(file, yaml);
  return await readService({ file, env: {}, ...options });
}

const two = `service: quakes
provider:
  name: aws
  stage: \${opt:stage, 'dev'}
  timeout: 60
  environment:
    SHARED: 1
    ARN: !GetAtt Table.Arn
sluice:
  cluster:
    bootstrapServers: \${env:KAFKA_BROKERS, 'localhost:9092'}
functions:
  plain:
    handler: functions/a.handler
  a:
    handler: functions/a.handler
    timeout: 5
    connector:
      trigger: { topic: 'quakes-\${sls:stage}' }
      sink: { type: memory }
  b:
    handler: functions/b.other
    memorySize: 256
    connector:
      trigger: { topic: quakes }
      sink:
        type: postgres
        table: \${ssm:/quakes/table, 'quakes'}
`;

describe('readService', () => {
  it('reads connectors and leaves ordinary functions alone', async () => {
    const service = await read(two);
    expect(service).toMatchObject({
      name: 'quakes',
      stage: 'dev',
      root: folder,
      cluster: { bootstrapServers: 'localhost:9092' },
      problems: [],
    });
    expect(service.connectors.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(service.connectors[0]).toMatchObject({
      handlerFile: join(folder, 'functions/a.ts'),
      exportName: 'handler',
      timeoutSeconds: 5,
      memorySize: 1024,
      environment: { SHARED: '1' },
      connector: { trigger: { topic: 'quakes-dev' }, sink: { type: 'memory' } },
      line: 15,
      problems: [],
    });
    expect(service.connectors[1]).toMatchObject({ exportName: 'other', timeoutSeconds: 60, memorySize: 256 });
  });

  it('fails only the connector that needs a variable which the cloud alone knows, and says where it stands', async () => {
    const { connectors } = await read(two);
    expect(connectors[1]?.problems).toEqual([
      {
        path: 'functions.b.connector.sink.table',
        line: 28,
        column: 9,
        message: expect.stringContaining('${ssm:/quakes/table} is only known to the cloud'),
      },
    ]);
    expect(connectors[1]?.connector).toMatchObject({ sink: { type: 'postgres' } });
  });

  it('finds the line and column of an option, whatever dots its name holds', async () => {
    const { connectors } = await read(
      `functions:\n  a:\n    handler: functions/a.handler\n    connector:\n      list: [x, y]\n      fields:\n        properties.mag: mag\n`,
    );
    expect(connectors[0]?.locate('connector.fields.properties.mag')).toEqual({ line: 7, column: 9 });
    expect(connectors[0]?.locate('connector.list[1]')).toEqual({ line: 5, column: 17 });
    expect(connectors[0]?.locate('connector.fields.missing')).toEqual({ line: 6, column: 7 });
  });

  it('says where YAML is broken', async () => {
    await expect(read('a: [1\nb: 2\n')).rejects.toThrow(/serverless\.yml:\d+:\d+ {2}\S/);
  });

  it('says what to do without a service file', async () => {
    await expect(readService({ file: join(folder, 'nowhere.yml'), env: {} })).rejects.toThrow(/Go to the folder of your service/);
  });

  it('names a handler file that is not there', async () => {
    const { connectors } = await read('functions:\n  c:\n    handler: functions/c.handler\n    connector: {}\n');
    expect(connectors[0]?.problems).toEqual([
      { path: 'functions.c.handler', line: 3, column: 5, message: expect.stringContaining('There is no functions/c.ts') },
    ]);
  });

  it('reads .env files where useDotenv says so; the real environment wins', async () => {
    await writeFile(join(folder, '.env'), 'A=file\nB=file\n');
    await writeFile(join(folder, '.env.dev'), 'B=stage\n');
    const yaml = 'useDotenv: true\nsluice: { a: "${env:A}", b: "${env:B}", c: "${env:C}" }\n';
    expect((await read(yaml, { env: { C: 'real', A: 'real' } })).sluice).toEqual({ a: 'real', b: 'stage', c: 'real' });
  });
});

describe('variables', () => {
  const value = async (text: string, more = '', options: Partial<ReadServiceOptions> = {}) => {
    const { sluice, problems } = await read(`sluice:\n  x: ${text}\n${more}`, options);
    return problems[0]?.message ?? (sluice as { x: unknown }).x;
  };

  it.each([
    ['a default for an unset environment variable', "${env:NO, 'there'}", 'there'],
    ['a set environment variable', "${env:YES, 'default'}", 'yes'],
    ['an empty default', "${env:NO, ''}", ''],
    ['a number as default', '${env:NO, 12}', 12],
    ['a source after a source', "${env:NO, env:YES, 'x'}", 'yes'],
    ['a nested fallback', '${env:NO, ${opt:nothing, ${env:YES}}}', 'yes'],
    ['a nested fallback that comes to nothing, then another', "${env:NO, ${env:NO2}, 'last'}", 'last'],
    ['a variable within an address', '${self:custom.${sls:stage}.table}', 'dev_table'],
    ['variables within text', 'p-${env:YES}-${sls:stage}', 'p-yes-dev'],
    ['a whole object', '${self:custom.dev}', { table: 'dev_table' }],
    ['an element of a list', '${self:custom.list.1}', 'two'],
    ['text that becomes a flag', "${strToBool(${env:NO, 'true'})}", true],
    ['a file with an address', '${file(other.yml):deep.${sls:stage}}', 'from file'],
    ['a JSON file', '${file(other.json)}', { a: [1] }],
    ['a missing file with a default', "${file(no.yml), 'none'}", 'none'],
    ['what belongs to CloudFormation', 'arn:${AWS::Region}:x', 'arn:${AWS::Region}:x'],
    ['the region', '${aws:region}', 'eu-central-1'],
    ['a parameter of the stage', '${param:p}', 'of dev'],
    ['a parameter of the default', '${param:q}', 'of default'],
    ['a brace within quotes', "${env:NO, 'a}b'}", 'a}b'],
  ])('resolves %s', async (_, text, expected) => {
    await writeFile(join(folder, 'other.yml'), 'deep:\n  dev: from ${env:KIND}\n');
    await writeFile(join(folder, 'other.json'), '{"a":[1]}');
    const more = `provider: { region: eu-central-1 }
params: { dev: { p: of dev }, default: { p: no, q: of default } }
custom: { dev: { table: "\${sls:stage}_table" }, list: [one, two] }`;
    expect(await value(JSON.stringify(text), more, { env: { YES: 'yes', KIND: 'file' } })).toEqual(expected);
  });

  it('takes parameters and options of the command line first', async () => {
    const options = { params: { p: 'given' }, options: { x: 'opt' } };
    expect(await value('"${param:p} ${opt:x}"', 'params: { default: { p: no } }', options)).toBe('given opt');
  });

  it.each([
    ['${env:NO}', 'The environment variable NO is not set. Set it'],
    ['${param:none}', '--param none=value'],
    ['${opt:none}', '--none was not given'],
    ['${self:custom.none}', 'There is no custom.none in serverless.yml'],
    ['${self:sluice.x}', 'refers to itself'],
    ['${cf:stack.Output}', 'is only known to the cloud'],
    ['${sls:instanceId}', 'only known while deploying'],
    ['${file(run.js)}', 'is a program'],
    ['${file(none.yml)}', 'found nothing'],
    ['${strToBool(maybe)}', 'Expected ${strToBool(…)}'],
    ['a ${self:provider} b', 'to be text inside of other text'],
  ])('explains why %s cannot be resolved', async (text, expected) => {
    expect(await value(JSON.stringify(text), 'provider: { name: aws }')).toContain(expected);
  });
});
