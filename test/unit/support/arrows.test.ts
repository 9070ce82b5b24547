import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findViolations } from '../../support/arrows.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-arrows-'));
});
afterEach(() => rm(root, { recursive: true }));

async function violationsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  return (await findViolations(root)).map(({ at, reason }) => `${at} ${reason}`);
}

describe('the import arrows', () => {
  it('report a core file that imports a sink', async () => {
    const files = {
      'lib/core/x.ts': "import { y } from '../sinks/y.ts';\nexport const x = y;\n",
      'lib/sinks/y.ts': 'export const y = 1;\n',
    };
    expect(await violationsOf(files)).toEqual(['lib/core/x.ts:1 lib/core must not import lib/sinks/y.ts']);
  });

  it.each([
    ['lib/core/x.ts', "\nimport {\n  readFile,\n} from 'node:fs/promises';", 'lib/core/x.ts:2 lib/core does no I/O'],
    ['lib/core/x.ts', "import pg from 'pg';", 'lib/core/x.ts:1 lib/core may use no package but typebox'],
    ['lib/core/x.ts', "const later = () => import('../clients/y.ts');", 'lib/core/x.ts:1 lib/core must not import lib/clients/y.ts'],
    ['lib/core/x.ts', "export * from 'sluice/sinks/memory';", 'lib/core/x.ts:1 lib/core must not import lib/sinks/memory.ts'],
    ['lib/core/x.ts', "import './../connect.ts';", 'lib/core/x.ts:1 lib/core must not import lib/connect.ts'],
    ['lib/sinks/x.ts', "import { y } from './y.ts';", 'lib/sinks/x.ts:1 files of lib/sinks do not know each other'],
    ['lib/sinks/x.ts', "import { Kafka } from 'kafkajs';", 'lib/sinks/x.ts:1 only lib/clients imports Kafka libraries'],
    [
      'lib/sinks/x.ts',
      "import { run } from '../platforms/worker/poller.ts';",
      'lib/sinks/x.ts:1 lib/sinks must not import lib/platforms/worker/poller.ts',
    ],
    [
      'lib/connect.ts',
      "import { postgres } from './sinks/postgres.ts';",
      'lib/connect.ts:1 lib/connect.ts may import only types from lib/sinks/postgres.ts',
    ],
    [
      'lib/connect.ts',
      "import { poll } from './platforms/worker/poller.ts';",
      'lib/connect.ts:1 lib/connect.ts must not import lib/platforms/worker/poller.ts',
    ],
    ['lib/platforms/x.ts', "import { run } from '../cli/run.ts';", 'lib/platforms/x.ts:1 nobody imports the command line'],
    ['lib/cli/x.ts', "import { handler } from '../../functions/orders.ts';", 'lib/cli/x.ts:1 nobody imports functions'],
    [
      'lib/helpers/x.ts',
      "import 'node:path';",
      'lib/helpers/x.ts:1 lib/helpers/x.ts is in no known room: add the room and its arrows to test/support/arrows.ts',
    ],
  ])('report %s with %j', async (file, text, violation) => {
    expect(await violationsOf({ [file]: text })).toEqual([violation]);
  });

  it.each([
    [
      'lib/core/x.ts',
      "import { y } from './y.ts';\nimport { Type } from 'typebox';\nimport { Compile } from 'typebox/compile';\nimport { createHash } from 'node:crypto';",
    ],
    ['lib/sinks/postgres.ts', "import { y } from './postgres/columns.ts';\nimport pg from 'pg';\nimport { z } from '../clients/z.ts';"],
    ['lib/clients/kafka/x.ts', "import { Kafka } from 'kafkajs';\nimport type { Secret } from '../../core/secret.ts';"],
    [
      'lib/connect.ts',
      "import type { A } from './sinks/a.ts';\nimport { type B, type C } from './sinks/b.ts';\nimport { d } from './platforms/lambda/event.ts';",
    ],
    ['functions/orders.ts', "import { connect } from 'sluice';\nimport { postgres } from 'sluice/sinks/postgres';"],
  ])('let %s import what it may', async (file, text) => {
    expect(await violationsOf({ [file]: text })).toEqual([]);
  });

  it('are kept by this project', async () => {
    expect(await findViolations(fileURLToPath(new URL('../../..', import.meta.url)))).toEqual([]);
  });
});
