import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isMap, parseDocument } from 'yaml';
import { listedSinks } from '../../../lib/cli/sinks.ts';
import { sinkReference } from '../../../lib/core/reference.ts';
import type { SeenFile } from '../../contract/kit/seen.ts';
import { claims, type Example, faultsSection, sinkPage, table } from '../../support/docs/sink-page.ts';

const root = new URL('../../../', import.meta.url);
const sinks = await listedSinks();
const seen = readSeen();

describe('docs/sinks', () => {
  for (const definition of sinks) {
    it(`${definition.name}.md is what the definition and the contract tests say: after a change, run npm run docs`, async () => {
      const page = sinkPage({
        reference: sinkReference(definition),
        example: exampleOf(definition.name),
        seen: seen.filter(({ sink }) => sink === definition.name),
      });
      await expect(page).toMatchFileSnapshot(`../../../docs/sinks/${definition.name}.md`);
    });

    it(`${definition.name} names its modes and classifies its failures`, () => {
      expect(definition.modes ?? []).not.toEqual([]);
      expect(definition.errors ?? []).not.toEqual([]);
    });
  }

  it('README.md lists every sink', async () => {
    const rows = sinks.flatMap((definition) =>
      sinkReference(definition).modes.map(({ name, guarantees }) => [
        `[${definition.name}](${definition.name}.md)`,
        name,
        ...claims(guarantees),
      ]),
    );
    const header = ['sink', 'mode', 'the same record twice', 'older after newer', 'a tombstone', 'one bad record fails'];
    const text = `# Sinks\n\nWhat each promises in each mode. Every claim is held against the real target by the same contract tests (\`test/contract\`); a claim that says too little fails like one that says too much.\n\n${table(header, rows)}\n\n[What was seen when things broke](../faults.md), for all of them.\n`;
    await expect(text).toMatchFileSnapshot('../../../docs/sinks/README.md');
  });
});

it('docs/faults.md is what the contract tests saw: after a change, run npm run docs', async () => {
  const intro =
    'Each cell was seen by a contract test in front of the real target, or of the stand-in that its test names: the worst outcome of a record while the fault lasted, and what was in the target after it had passed. retriable and config outcomes are never dead-lettered.';
  const sections = seen.map(faultsSection).filter((section) => section !== '');
  await expect(`# What happens when things break\n\n${intro}\n\n${sections.join('\n\n')}\n`).toMatchFileSnapshot('../../../docs/faults.md');
});

function readSeen(): (SeenFile & { readonly target: string })[] {
  const folder = new URL('test/contract/seen/', root);
  return readdirSync(folder)
    .sort()
    .map((file) => ({ ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as SeenFile), target: file.replace(/\.json$/, '') }))
    .filter(({ sink }) => sinks.some(({ name }) => name === sink));
}

/** The first connector of serverless.yml that uses the sink, as it is written there. */
function exampleOf(sink: string): Example | undefined {
  const text = readFileSync(new URL('serverless.yml', root), 'utf8');
  const document = parseDocument(text);
  const functions = document.get('functions');
  if (!isMap(functions)) return undefined;
  for (const { key, value } of functions.items) {
    if (!isMap(value) || value.getIn(['connector', 'sink', 'type']) !== sink || !value.range) continue;
    const name = String(key);
    const functionFile = `functions/${name}.ts`;
    if (!existsSync(new URL(functionFile, root))) continue;
    const start = text.lastIndexOf('\n', text.indexOf(`\n  ${name}:`) + 1) + 1;
    const yaml = text
      .slice(start, value.range[1])
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^ {2}/, ''));
    return { name, yaml: yaml.join('\n'), functionFile, source: readFileSync(new URL(functionFile, root), 'utf8') };
  }
  return undefined;
}
