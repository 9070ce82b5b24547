import { appendFile, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { hash } from '../../core/letter.ts';
import type { Origin } from '../../core/record.ts';
import type { Marks } from './groups.ts';

/** Which letters a journal is about. A topic that was created again has another id, so that old marks mean nothing for it. */
export interface JournalOf {
  readonly connector: string;
  readonly topic: string;
  readonly clusterId: string;
  readonly topicId: string | undefined;
}

/** What became of one letter. */
export interface Mark {
  readonly place: Origin;
  readonly outcome: 'replayed' | 'failed';
}

/** What was replayed from here: in a file, as a dead letter topic cannot be written to in the middle. */
export interface Journal extends Marks {
  readonly file: string;
  /** How often the letter was sent into the sink and refused again. */
  failures(place: Origin): number;
  /** On disk when it resolves. */
  mark(marks: readonly Mark[], to: 'sink' | 'topic'): Promise<void>;
  /** Keeps a second replay of the same letters on this machine out until `release`. Throws a ConfigError while one is under way. */
  lock(): Promise<{ release(): Promise<void> }>;
}

type ByPartition = Readonly<Record<string, readonly number[]>>;

/** Reads the marks that are in the file; a last line that was cut off by a crash is as if it were not there. */
export async function openJournal(folder: string, of: JournalOf, now: () => number): Promise<Journal> {
  const file = join(folder, `${encodeURIComponent(of.connector)}.${of.topic}.${hash(`${of.clusterId} ${of.topicId ?? ''}`)}.jsonl`);
  const replayed = new Set<string>();
  const failed = new Map<string, number>();
  const take = (marks: readonly Mark[]): void => {
    for (const { place, outcome } of marks) {
      const name = nameOf(place);
      if (outcome === 'replayed') replayed.add(name);
      else failed.set(name, (failed.get(name) ?? 0) + 1);
    }
  };
  const before = await readText(file);
  for (const line of before.split('\n')) take(readLine(line, of.topic));
  let isTorn = before !== '' && !before.endsWith('\n');

  return {
    file,
    isReplayed: (place) => replayed.has(nameOf(place)),
    failures: (place) => failed.get(nameOf(place)) ?? 0,
    async mark(marks, to) {
      if (marks.length === 0) return;
      const line = { at: new Date(now()).toISOString(), to, ...lists(marks) };
      await mkdir(folder, { recursive: true });
      await appendFile(file, `${isTorn ? '\n' : ''}${JSON.stringify(line)}\n`, { flush: true });
      isTorn = false;
      take(marks);
    },
    lock: () => lockFile(`${file}.lock`, of.connector),
  };
}

function lists(marks: readonly Mark[]): { readonly replayed?: ByPartition; readonly failed?: ByPartition } {
  const list = (outcome: Mark['outcome']): ByPartition => {
    const own = Map.groupBy(
      marks.filter((mark) => mark.outcome === outcome),
      ({ place }) => place.partition,
    );
    return Object.fromEntries([...own].map(([partition, each]) => [partition, each.map(({ place }) => place.offset)]));
  };
  const [replayed, failed] = [list('replayed'), list('failed')];
  return {
    ...(Object.keys(replayed).length === 0 ? {} : { replayed }),
    ...(Object.keys(failed).length === 0 ? {} : { failed }),
  };
}

function readLine(line: string, topic: string): Mark[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return [];
  }
  if (!isObject(parsed)) return [];
  return (['replayed', 'failed'] as const).flatMap((outcome) => {
    const partitions = parsed[outcome];
    if (!isObject(partitions)) return [];
    return Object.entries(partitions).flatMap(([partition, offsets]) =>
      Array.isArray(offsets)
        ? offsets.map((offset) => ({ outcome, place: { topic, partition: Number(partition), offset: Number(offset) } }))
        : [],
    );
  });
}

function nameOf({ partition, offset }: Origin): string {
  return `${partition}@${offset}`;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new ConfigError(
      'STATE_UNREADABLE',
      `${file} holds what was replayed and cannot be read. Make it readable, or remove it to begin anew.`,
      {
        cause: error,
      },
    );
  }
}

async function lockFile(file: string, connector: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dirname(file), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(await readText(file));
    if (attempt > 1 || isAlive(holder))
      throw new ConfigError(
        'REPLAY_UNDER_WAY',
        `Letters of ${connector} are being replayed by process ${holder || 'another'}. Wait for it, or end it; if it is none of Sluice, remove ${file}.`,
      );
    await rm(file, { force: true }); // whoever held it crashed
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
