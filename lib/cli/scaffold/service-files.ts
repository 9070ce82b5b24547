// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables

/** Files of a new service by their path: an example that works without a target of its own. */
export function serviceFiles(name: string): Readonly<Record<string, string>> {
  return {
    'serverless.yml': serverlessYml(name),
    'functions/quakes-to-console.ts': connectorFunction,
    'test/quakes-to-console.test.ts': connectorTest,
    'test/samples/quakes-to-console.jsonl': samples,
    'test/samples/quakes-to-console.expected.jsonl': expected,
    'tsconfig.json': tsconfig,
    '.gitignore': gitignore,
    'README.md': readme(name),
  };
}

export interface Package {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly [other: string]: unknown;
}

/** What the service is tested and deployed with: an open fork of the Serverless Framework, and types for editors. */
const tools = { '@types/node': '24.10.1', serverless: 'npm:osls@4.3.1' };

/** The package.json of a new service. What an existing one says already stays. */
export function packageJson(name: string, version: string, existing: Package): Package {
  const isThere = existing.dependencies?.['sluice'] ?? existing.devDependencies?.['sluice'];
  const scripts: Record<string, string> = {
    ...existing.scripts,
    test: testScript(existing.scripts?.['test']),
  };
  return {
    name,
    version: '0.0.0',
    private: true,
    ...existing,
    type: 'module',
    engines: { node: '>=22.18', ...(existing['engines'] as object | undefined) },
    scripts,
    dependencies: { ...existing.dependencies, ...(isThere === undefined ? { sluice: version } : {}) },
    devDependencies: { ...tools, ...existing.devDependencies },
  };
}

/** npm init writes a test script that only fails. */
function testScript(existing: string | undefined): string {
  return existing === undefined || existing.includes('no test specified') ? 'sluice test && node --test' : existing;
}

const serverlessYml = (name: string): string => `# yaml-language-server: $schema=./node_modules/sluice/schemas/serverless.schema.json
service: ${name}
frameworkVersion: '4'
plugins: [sluice/plugin]

provider:
  name: aws
  runtime: nodejs24.x
  region: \${opt:region, 'eu-west-1'}
  stage: \${opt:stage, 'dev'}

# What all connectors share. A cluster that asks who you are wants auth here, one in a private network vpc.
sluice:
  cluster:
    bootstrapServers: \${env:KAFKA_BROKERS, 'localhost:9092'}

functions:
  quakes-to-console:
    handler: functions/quakes-to-console.handler
    connector:
      trigger: { topic: quakes, batchSize: 100 }
      sink: { type: console, template: 'M {value.mag}  {value.place}' }
      acceptDuplicates: true # the console prints a record again when its batch is repeated
      onError: { deadLetterTopic: quakes.dlq }
`;

const connectorFunction = `import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';

/** An earthquake. */
type Quake = { readonly mag: number; readonly place: string };

/** Prints strong earthquakes. */
export const handler = connect<Quake>({
  sink: consoleSink,
  transform: (record) => (record.value.mag >= 5 ? record : null),
});
`;

const connectorTest = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transformed } from 'sluice/testing';
import { handler } from '../functions/quakes-to-console.ts';

test('a strong earthquake is printed', async () => {
  const records = await transformed(handler, { value: { mag: 6.4, place: 'Hualian, Taiwan' } });
  assert.equal(records.length, 1);
});

test('a weak earthquake is not', async () => {
  assert.deepEqual(await transformed(handler, { value: { mag: 1.1, place: 'Pāhala, Hawaii' } }), []);
});
`;

const samples = `{"key":"us1000chhc","value":{"mag":6.4,"place":"22km NNE of Hualian, Taiwan"}}
{"key":"hv70116556","value":{"mag":1.1,"place":"6km E of Pāhala, Hawaii"}}
{"key":"us2000cnnl","value":{"mag":7.5,"place":"44km E of Great Swan Island, Honduras"}}
`;

const expected = `{"sample":"quakes-to-console.jsonl:1","records":[{"key":"us1000chhc","value":{"mag":6.4,"place":"22km NNE of Hualian, Taiwan"}}]}
{"sample":"quakes-to-console.jsonl:2","records":[]}
{"sample":"quakes-to-console.jsonl:3","records":[{"key":"us2000cnnl","value":{"mag":7.5,"place":"44km E of Great Swan Island, Honduras"}}]}
`;

// For editors, and for whoever wants to check types: Node runs the files as they are.
const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "skipLibCheck": true
  },
  "include": ["functions", "test"]
}
`;

const gitignore = `node_modules/
.serverless/
.sluice/
.env*
`;

const readme = (name: string): string => `# ${name}

Connectors from Kafka to the systems where data is used. Each is a file in \`functions/\` and a block in \`serverless.yml\`.

    npm install
    npm test                                      samples and tests, without any server
    npx sluice new NAME --sink SINK               another connector; npx sluice describe lists the sinks
    npx sluice sample TOPIC --count 20            real records to try transforms on
    npx sluice dev                                run it here, as Lambda would call it, against the Kafka of KAFKA_BROKERS
    npx serverless deploy --stage prod            functions, triggers, roles
`;
