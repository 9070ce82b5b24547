import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import { closest } from '../core/suggest.ts';
import type { CommandWorld } from './dev.ts';
import { blockText, functionFile, type NewConnector, sampleFiles, testFile } from './scaffold/connector-files.ts';
import { withFunction } from './scaffold/service-entry.ts';
import { listedSinks, sinkExport } from './sinks.ts';
import { silentTerminal, terminal } from './terminal.ts';

export interface NewFlags {
  readonly config: string;
  readonly sink: string;
  readonly topic?: string;
  readonly json?: boolean;
}

/** Writes a connector that works: its function, its block in serverless.yml, a sample and a test. Overwrites nothing. Answers the exit code. */
export async function newConnector(
  { config, sink: sinkName, topic, json = false }: NewFlags,
  name: string,
  world: CommandWorld,
): Promise<number> {
  const out = json ? silentTerminal : terminal(world.stdout, world.env);
  if (!/^[a-zA-Z][\w-]{0,63}$/.test(name))
    throw usage(`Expected the name of the connector to be letters, digits, - and _, got ${name}. For example quakes-to-postgres.`);
  const sinks = await listedSinks();
  const definition = sinks.find((sink) => sink.name === sinkName);
  if (definition === undefined) {
    const names = sinks.map((sink) => sink.name);
    const near = closest(sinkName, names);
    throw usage(`There is no sink ${sinkName}. ${near === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${near}?`}`);
  }
  const sink = { definition, module: definition.name, exportName: await sinkExport(definition) };
  const connector: NewConnector = { name, topic: topic ?? topicIn(name), sink };
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(connector.topic)) throw usage(`${connector.topic} cannot be the name of a topic. Correct --topic.`);

  const root = dirname(resolve(config));
  const service = await readText(config);
  const changed = withFunction(service, basename(config), name, blockText(connector));
  const files = filesOf(connector, existsSync(join(root, 'test', 'samples', `${connector.topic}.jsonl`)));
  const there = files.find(({ path }) => existsSync(join(root, path)));
  if (there !== undefined) throw usage(`${there.path} is there. Choose another name, or remove it.`);

  for (const { path, text } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    out.line(`  ${out.style('green', 'new')}       ${path}`);
  }
  await writeFile(config, changed);
  out.line(`  ${out.style('green', 'changed')}   ${relative(root, resolve(config))}`);
  out.line();
  out.line(
    `  Reads ${connector.topic}. Look through sink in ${basename(config)}: npx sluice describe ${definition.name} explains its options.`,
  );
  out.line(`  Then  npx sluice test ${name}`);
  if (json) {
    const result = { connector: name, sink: definition.name, topic: connector.topic, files: files.map(({ path }) => path) };
    terminal(world.stdout, world.env).line(JSON.stringify(result, null, 2));
  }
  return 0;
}

function filesOf(connector: NewConnector, hasTopicSamples: boolean): { readonly path: string; readonly text: string }[] {
  const { name } = connector;
  const { samples, expected } = sampleFiles(connector);
  return [
    { path: `functions/${name}.ts`, text: functionFile(connector) },
    { path: `test/${name}.test.ts`, text: testFile(connector) },
    ...(hasTopicSamples
      ? []
      : [
          { path: `test/samples/${name}.jsonl`, text: samples },
          { path: `test/samples/${name}.expected.jsonl`, text: expected },
        ]),
  ];
}

/** `quakes-to-postgres` reads quakes. */
function topicIn(name: string): string {
  return name.split('-to-')[0] || name;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'SERVICE_UNREADABLE',
      `There is no readable ${basename(file)} in ${dirname(resolve(file))}. Go to the folder of your service, or begin one with npx sluice init.`,
      { cause },
    );
  }
}

function usage(message: string): ConfigError {
  return new ConfigError('USAGE', message);
}
