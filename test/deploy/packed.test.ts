import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { archived, serverless } from '../support/serverless.ts';
import { serviceFolder } from '../support/service-folder.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

it('the plugin works from the published package, which holds no TypeScript sources', async () => {
  const folder = await serviceFolder({});
  const [sources, installed] = [join(folder.path, 'sources'), join(folder.path, 'node_modules', 'sluice')];
  await mkdir(sources);
  for (const part of ['lib', 'schemas', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'CHANGELOG.md'])
    await cp(join(repository, part), join(sources, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(sources, 'node_modules'));
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', folder.path], { cwd: sources });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  await rm(installed);
  await mkdir(installed);
  await promisify(execFile)('tar', ['xzf', join(folder.path, filename), '-C', installed, '--strip-components=1']);
  await rm(sources, { recursive: true });
  // What npm would install beside it.
  await symlink(join(repository, 'node_modules'), join(installed, 'node_modules'));

  const yaml = await readFile(join(repository, 'serverless.yml'), 'utf8');
  await folder.write('serverless.yml', yaml.slice(0, yaml.indexOf('  quakes-to-alerts:')));
  await cp(join(repository, 'functions/quakes-to-postgres.ts'), join(folder.path, 'functions/quakes-to-postgres.ts'));
  await writeFile(join(folder.path, 'package.json'), '{ "type": "module" }');
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', KAFKA_BROKERS: 'b1.example:9092' };
  const { code, output } = await serverless(folder.path, ['package', '--stage', 'prod'], env);
  expect(code, output).toBe(0);
  const files = await archived(folder.path, 'quakes-to-postgres');
  expect(Object.keys(files)).toEqual(
    expect.arrayContaining(['functions/quakes-to-postgres.mjs', 'functions/quakes-to-postgres.settings.mjs']),
  );
  await folder.remove();
});
