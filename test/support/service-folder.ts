import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface ServiceFolder {
  readonly path: string;
  readonly config: string;
  write(file: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** A folder like that of a user: their serverless.yml and functions, and sluice installed. */
export async function serviceFolder(files: Readonly<Record<string, string>>): Promise<ServiceFolder> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-user-'));
  const write = (file: string, text: string) => writeFile(join(path, file), text);
  await mkdir(join(path, 'functions'));
  await mkdir(join(path, 'node_modules'));
  await symlink(repository, join(path, 'node_modules/sluice'));
  await symlink(join(repository, 'node_modules/typebox'), join(path, 'node_modules/typebox'));
  for (const [file, text] of Object.entries(files)) await write(file, text);
  return { path, config: join(path, 'serverless.yml'), write, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A function whose sink appends ids to a file, and does once what a value tells it: `down`, `hang`, `bad` (always). */
export const obedientFunction = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { Type } from 'typebox';
import { connect, DataError, defineSink, RetriableError } from 'sluice';

const sink = defineSink({
  name: 'obedient',
  summary: 'Does what values say.',
  config: Type.Object({ file: Type.String() }),
  guarantees: () => ({ idempotent: true, ordered: true, deletes: false, partial: true }),
  limits: () => ({ records: 1_000, bytes: 1_000_000 }),
  permissions: () => [],
  async open({ file }) {
    appendFileSync(file + '.opened', 'x');
    const isFirst = (what) => {
      const marker = file + '.' + what;
      if (existsSync(marker)) return false;
      writeFileSync(marker, '');
      return true;
    };
    return {
      async write(records) {
        const outcomes = [];
        let blocked = false;
        for (const { value } of records) {
          if (value.hang && isFirst('hang')) await new Promise(() => setInterval(() => undefined, 1_000));
          if (value.down && isFirst('down')) blocked = true;
          if (blocked) outcomes.push(new RetriableError('SINK_UNAVAILABLE', 'The target is down'));
          else if (value.bad) outcomes.push(new DataError('SINK_REJECTED_RECORD', 'The target refused the record'));
          else {
            appendFileSync(file, value.id + ' ');
            outcomes.push('delivered');
          }
        }
        return outcomes;
      },
    };
  },
});

export const handler = connect({ sink, transform: (record) => (record.value.drop ? null : record) });
`;
