import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../core/errors.ts';
import type { TestMessage, TestStart } from '../test-messages.ts';
import type { SampleResult } from './result.ts';

export interface TryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A line that the function printed. */
  readonly onLine: (line: string) => void;
}

const isSource = import.meta.url.endsWith('.ts');
const program = fileURLToPath(new URL(isSource ? '../test-connector.ts' : '../test-connector.js', import.meta.url));
// In its repository `sluice` means the sources, in that process as well.
const execArgv = isSource ? ['--conditions=sluice-source'] : [];

/** Runs samples through a connector's formats and transforms, in a process of its own. Throws a ConfigError when the function cannot be loaded or does not come back. */
export async function trySamples(start: TestStart, { env, timeoutMs, signal, onLine }: TryOptions): Promise<readonly SampleResult[]> {
  const child = fork(program, [], { execArgv, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' });
  for (const output of [child.stdout, child.stderr]) if (output !== null) createInterface({ input: output }).on('line', onLine);
  const results: SampleResult[] = [];
  let end: 'all' | 'late' | undefined;
  let unusable: string | undefined;
  const timer = setTimeout(() => {
    end = 'late';
    child.kill('SIGKILL');
  }, timeoutMs);
  const abort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  child.on('message', (raw) => {
    const message = raw as TestMessage;
    if (message.kind === 'result') results.push(message.result);
    else if (message.kind === 'unusable') unusable = message.message;
    else end = 'all';
  });
  child.send(start);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  if (unusable !== undefined) throw new ConfigError('FUNCTION_UNUSABLE', unusable);
  if (end === 'all') return results;
  const at = start.samples[results.length]?.name ?? 'the samples';
  throw new ConfigError(
    'FUNCTION_UNUSABLE',
    end === 'late'
      ? `${start.handlerFile} was not done after ${timeoutMs / 1_000} s, at ${at}. Its transform does not end there, or waits for something.`
      : `${start.handlerFile} ended its process at ${at}.`,
  );
}
