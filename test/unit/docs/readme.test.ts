import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const blocks = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

it('README.md shows functions as they are in functions/', () => {
  const shown = blocks('ts').map((text) => /^\/\/ (functions\/.*\.ts)\n(.*)$/s.exec(text));
  expect(shown.length).toBeGreaterThan(0);
  for (const match of shown) expect(match?.[2]).toBe(readFileSync(`${root}${match?.[1]}`, 'utf8'));
});

it('README.md shows connectors as they are in serverless.yml', () => {
  const service = parse(readFileSync(`${root}serverless.yml`, 'utf8'));
  const shown = blocks('yaml').map((text) => parse(text));
  expect(shown.length).toBeGreaterThan(0);
  for (const { sluice, functions } of shown) {
    expect(service.sluice).toMatchObject(sluice);
    for (const [name, block] of Object.entries(functions)) expect(service.functions[name]).toEqual(block);
  }
});

it('README.md links to pages that are there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
  for (const path of links) expect(existsSync(root + path), path).toBe(true);
});

it('README.md runs scripts that are there', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});
