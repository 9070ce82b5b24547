import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { ConfigError } from '../../../core/errors.ts';
import type { KafkaTriggerEvent } from '../event.ts';
import type { Answer } from './answer.ts';
import type { FunctionMessage, FunctionStart, InvokeMessage } from './function-messages.ts';

export interface FunctionProcessOptions {
  /** The program of the process: takes `start`, answers when it is ready, then invokes the function with each event. */
  readonly program: string;
  readonly start: FunctionStart;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line that the function printed. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface FunctionProcess {
  /** Runs the function with the event, after the invocations before it. Throws a ConfigError when the function cannot be loaded. */
  invoke(event: KafkaTriggerEvent): Promise<Answer>;
  /** Ends the process; what it printed has been handed on when this resolves. */
  end(): Promise<void>;
}

interface Instance {
  readonly child: ChildProcess;
  /** Resolves when the process has ended and its output is read. */
  readonly gone: Promise<void>;
}

// In its repository `sluice` means the sources, in the function's process as well.
const conditions = import.meta.url.endsWith('.ts') ? ['--conditions=sluice-source'] : [];

/** An instance of a function: a process that is started with the first event, killed when it takes too long, and then started anew. */
export function functionProcess({ program, start, timeoutMs, memoryMb, env, onLine }: FunctionProcessOptions): FunctionProcess {
  let instance: Instance | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const startInstance = async (): Promise<Instance> => {
    const child = fork(program, [], {
      execArgv: [...conditions, `--max-old-space-size=${memoryMb}`],
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      const output = child[stream];
      if (output !== null) createInterface({ input: output }).on('line', (line) => onLine(line, stream));
    }
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.send(start);
    const message = await nextMessage(child, ({ kind }) => kind === 'ready' || kind === 'unusable');
    if (message?.kind === 'ready') return { child, gone };
    await kill({ child, gone });
    throw new ConfigError(
      'FUNCTION_UNUSABLE',
      message?.kind === 'unusable' ? message.message : `${start.handlerFile} ended while it was loaded.`,
    );
  };

  const invokeNow = async (event: KafkaTriggerEvent): Promise<Answer> => {
    instance ??= await startInstance();
    const { child } = instance;
    const requestId = randomUUID();
    const deadline = Date.now() + timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'timeout', afterMs: timeoutMs }), timeoutMs);
    });
    const answered = nextMessage(child, (message) => message.kind === 'answer' && message.requestId === requestId).then(
      (message): Answer => (message?.kind === 'answer' ? message.answer : { kind: 'crash', message: 'the process of the function ended' }),
    );
    child.send({ requestId, event, deadline } satisfies InvokeMessage);
    const answer = await Promise.race([answered, timeout]).finally(() => clearTimeout(timer));
    if (answer.kind === 'timeout' || answer.kind === 'crash') {
      const ended = instance;
      instance = undefined;
      await kill(ended);
    }
    return answer;
  };

  return {
    invoke(event) {
      const answer = last.then(() => invokeNow(event));
      last = answer.catch(() => undefined);
      return answer;
    },
    async end() {
      const ended = instance;
      instance = undefined;
      if (ended !== undefined) await kill(ended, 'SIGTERM');
    },
  };
}

/** The next message that is waited for; undefined when the process ends before. */
function nextMessage(child: ChildProcess, isIt: (message: FunctionMessage) => boolean): Promise<FunctionMessage | undefined> {
  return new Promise((resolve) => {
    const done = (message: FunctionMessage | undefined): void => {
      child.off('message', listen);
      child.off('exit', gone);
      child.off('error', gone);
      resolve(message);
    };
    const listen = (message: unknown): void => {
      if (isIt(message as FunctionMessage)) done(message as FunctionMessage);
    };
    const gone = (): void => done(undefined);
    child.on('message', listen);
    child.once('exit', gone);
    child.once('error', gone);
    if (child.exitCode !== null || child.signalCode !== null) gone();
  });
}

async function kill({ child, gone }: Instance, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  child.kill(signal);
  await gone;
}
