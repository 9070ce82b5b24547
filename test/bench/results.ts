import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figure } from './table.ts';

export interface HandlerResult {
  readonly recordsPerSecond: number;
  readonly floorRecordsPerSecond: number;
  /** The floor's rate divided by the handler's. */
  readonly ratioToFloor: number;
}

export interface WorkerResult {
  readonly records: number;
  readonly bytesPerRecord: number;
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakMemoryMb: number;
}

export interface FunctionResult {
  /** What is read when the function starts. */
  readonly bundleKb: number;
  readonly bundleGzKb: number;
  /** What is read only when it is needed. */
  readonly lazyKb: number;
  readonly importMs: number;
}

export interface BadRowsResult {
  readonly share: number;
  /** How long records take with that share of bad ones among them, divided by how long without. */
  readonly costRatio: number;
  /** The same of the worker's CPU time. */
  readonly cpuRatio: number;
}

export interface Results {
  readonly handler?: HandlerResult;
  readonly worker?: Readonly<Record<string, WorkerResult>>;
  readonly functions?: Readonly<Record<string, FunctionResult>>;
  readonly badRows?: BadRowsResult;
}

/** What one benchmark found: figures to look at, and its part of what is stored. */
export interface Finding {
  readonly figures: readonly Figure[];
  readonly results: Results;
}

export interface BenchOptions {
  /** Fewer records and rounds. */
  readonly quick: boolean;
  /** Which of a benchmark's configurations to run; all of them when empty. */
  readonly only: readonly string[];
  readonly say: (text: string) => void;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const latest = fileURLToPath(new URL('results/latest.json', import.meta.url));

/** Stores the results; what was not measured this time stays as it was. Answers the file. */
export function store(results: Results): string {
  const before = readLatest();
  const stored = {
    at: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
    node: process.versions.node,
    cores: availableParallelism(),
    ...before,
    ...results,
    ...(results.worker === undefined ? {} : { worker: { ...before.worker, ...results.worker } }),
  };
  mkdirSync(dirname(latest), { recursive: true });
  writeFileSync(latest, `${JSON.stringify(stored, undefined, 2)}\n`);
  return latest;
}

function readLatest(): Results {
  try {
    const { handler, worker, functions, badRows } = JSON.parse(readFileSync(latest, 'utf8')) as Results;
    return { ...(handler && { handler }), ...(worker && { worker }), ...(functions && { functions }), ...(badRows && { badRows }) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}

/** With as many digits as mean something. */
export function digits(value: number, count = 3): number {
  return value >= 10 ** count ? Math.round(value) : Number(value.toPrecision(count));
}
