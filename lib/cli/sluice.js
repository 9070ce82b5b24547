#!/usr/bin/env node
// Plain JavaScript that Node 20 can run: it finds a Node that runs the rest, and the rest.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const inFile = (path) => fileURLToPath(new URL(path, root));

// In the repository the sources run as they are; the published package brings no sources.
const source = inFile('lib/cli/main.ts');
const isRepository = existsSync(source);
const main = isRepository ? source : inFile('dist/cli/main.js');
const options = isRepository ? ['--conditions=sluice-source'] : [];

const [major, minor] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 22 || (major === 22 && minor >= 18);
const node = runsTypeScript ? process.execPath : bundledNode();

if (node === undefined) {
  console.error(`sluice needs Node 22.18 or newer, this is ${process.versions.node}.`);
  console.error('Install it, or bring it with the service: npm install --save-dev node@24');
  process.exit(2);
}
if (!existsSync(main)) {
  console.error(`${main} is missing. Run npm run build first.`);
  process.exit(2);
}

const child = spawn(node, [...options, main, ...process.argv.slice(2)], { stdio: 'inherit' });
// Ctrl-C reaches the child by itself; it ends when its batch has.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('error', (error) => {
  console.error(`${node} could not be started: ${error.message}`);
  process.exit(2);
});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

function bundledNode() {
  const places = [inFile('node_modules/.bin/node'), inFile('../.bin/node'), `${process.cwd()}/node_modules/.bin/node`];
  return places.find((place) => existsSync(place));
}
