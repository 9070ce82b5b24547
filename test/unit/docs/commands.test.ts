import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildApplication, run } from '@stricli/core';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../lib/cli/flags.ts';
import { routes } from '../../../lib/cli/routes.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = ['README.md', ...readdirSync(`${root}docs`).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))];

/** Command lines that start with `npx sluice`, with their page. Comments and what is piped are left out. */
const commandLines = pages.flatMap((page) =>
  [...readFileSync(root + page, 'utf8').matchAll(/(?:^(?: {4}|\$ )|`)npx sluice ([^`\n]*)/gm)].map(([, line = '']) => ({
    page,
    line: line
      .replace(/\s+#.*$/, '')
      .replace(/\s+[|>].*$/, '')
      .trim(),
  })),
);

describe('the documentation', () => {
  it.each(commandLines)('$page names a command and flags that are there: npx sluice $line', async ({ line }) => {
    const words = line.split(/\s+/).filter((word) => /^[a-z-]/.test(word));
    const flags = words.flatMap((word) => (word.startsWith('--') ? [word.replace(/=.*/, '')] : []));
    const { help, command } = await helpOf(words.filter((word) => !word.startsWith('-')));
    expect(command, `Expected a command in "${line}"`).not.toBe('');
    for (const flag of flags) expect(help, `Expected ${command} to know ${flag}`).toContain(flag);
  });
});

describe('every command', async () => {
  const leaves = await leafCommands([]);

  it.each(leaves)('sluice %s speaks JSON to scripts and shows how it is used', async (command) => {
    const help = await helpText(command.split(' '));
    expect(help).toContain('--json');
    expect(help).toContain('EXAMPLES');
  });

  it('is in the list', () => {
    expect(leaves.length).toBeGreaterThan(20);
  });
});

/** Commands without further ones below, by the usage lines of their help. */
async function leafCommands(above: readonly string[]): Promise<string[]> {
  const usage = [...(await helpText(above)).matchAll(/^ {2}sluice (.*)$/gm)].map(([, line = '']) => line.split(' ').slice(above.length));
  const found: string[] = [];
  for (const [name = '', ...rest] of usage) {
    if (name.startsWith('-')) continue;
    const isGroup = rest.at(-1) === '...' && !rest.some((word) => word.startsWith('['));
    if (isGroup) found.push(...(await leafCommands([...above, name])));
    else found.push([...above, name].join(' '));
  }
  return found;
}

async function helpText(command: readonly string[]): Promise<string> {
  return (await helpOf(command, [command.length])).help;
}

/** The help of the longest command that the words begin with. */
async function helpOf(
  words: readonly string[],
  lengths: readonly number[] = [2, 1],
): Promise<{ readonly help: string; readonly command: string }> {
  for (const length of lengths) {
    const command = words.slice(0, length);
    if (command.length < length) continue;
    let help = '';
    const output = {
      write(text: string) {
        help += text;
      },
    };
    const process = { stdout: output, stderr: { write: () => undefined }, exitCode: 0 as number | string | null };
    const application = buildApplication(routes, {
      name: 'sluice',
      scanner: { caseStyle: 'allow-kebab-for-camel' },
      documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: true },
    });
    await run(application, [...command, '--help'], { process } as unknown as Context);
    if (command.length === 0 || help.includes(`sluice ${command.join(' ')} `) || help.includes(`sluice ${command.join(' ')}\n`))
      return { help, command: command.join(' ') };
  }
  return { help: '', command: '' };
}
