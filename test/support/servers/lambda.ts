import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What Lambda takes and gives at most, in bytes. */
export const maxPayloadBytes = 6 * 1024 * 1024;

export interface LambdaFunction {
  readonly name: string;
  /** The unpacked code. */
  readonly dir: string;
  readonly handler: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

/** What an invocation came to, as the Invoke API says it. */
export interface Invocation {
  readonly payload: string;
  /** Set when the function failed; the payload is then `{ errorType, errorMessage }`. */
  readonly functionError?: 'Unhandled';
  /** True when a new execution environment was started for it. */
  readonly isCold: boolean;
  readonly ms: number;
}

/** One execution environment at a time, started at the first invocation, ended when a function took too long or broke. */
export interface LambdaRuntime {
  invoke(event: string | Uint8Array): Promise<Invocation>;
  /** What the function printed so far. */
  readonly output: () => string;
  stop(): Promise<void>;
}

interface Environment {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
}

/** What an invocation waits for. */
type Answer = { readonly kind: 'response' | 'error'; readonly body: string };

const bootstrap = join(import.meta.dirname, 'lambda', 'bootstrap.mjs');
const initTimeoutMs = 10_000;

/**
 * Runs a function as Lambda does: in a process of its own that asks the Runtime API for invocations. Source of the routes, headers and
 * limits: the AWS Lambda developer guide, "Using the Lambda runtime API".
 */
export async function startLambda(lambda: LambdaFunction): Promise<LambdaRuntime> {
  let environment: Environment | undefined;
  let waiting: ServerResponse | undefined; // the runtime's request for the next invocation
  let next: { readonly id: string; readonly event: Buffer; readonly handedOver: () => void } | undefined;
  let answered: ((answer: Answer) => void) | undefined;
  let printed = '';
  let last: Promise<unknown> = Promise.resolve();

  const handOver = (): void => {
    if (waiting === undefined || next === undefined) return;
    waiting.writeHead(200, {
      'Lambda-Runtime-Aws-Request-Id': next.id,
      'Lambda-Runtime-Deadline-Ms': String(Date.now() + lambda.timeoutMs),
      'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:eu-west-1:123456789012:function:${lambda.name}`,
      'Content-Type': 'application/json',
    });
    waiting.end(next.event);
    next.handedOver();
    waiting = undefined;
    next = undefined;
  };
  const server = createServer(async (request, response) => {
    const route = request.url?.replace('/2018-06-01/runtime/', '') ?? '';
    if (route === 'invocation/next') {
      waiting = response;
      return handOver();
    }
    const body = await bodyOf(request);
    response.writeHead(202).end();
    if (route.endsWith('/response')) answered?.({ kind: 'response', body });
    else if (route.endsWith('/error')) answered?.({ kind: 'error', body });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const start = (): Environment => {
    const child = spawn(process.execPath, [`--max-old-space-size=${lambda.memoryMb}`, bootstrap], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        ...lambda.env,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_FUNCTION_NAME: lambda.name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(lambda.memoryMb),
        AWS_REGION: 'eu-west-1',
        LAMBDA_TASK_ROOT: lambda.dir,
        _HANDLER: lambda.handler,
      },
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (printed += chunk));
    return { child, gone: new Promise((resolve) => child.once('close', () => resolve())) };
  };
  const end = async (): Promise<void> => {
    const ended = environment;
    environment = undefined;
    waiting = undefined;
    ended?.child.kill('SIGKILL');
    await ended?.gone;
  };

  const invokeNow = async (event: Buffer): Promise<Invocation> => {
    const from = performance.now();
    if (event.length > maxPayloadBytes) throw new Error(`RequestEntityTooLargeException: ${event.length} bytes`);
    const isCold = environment === undefined;
    environment ??= start();
    const { gone } = environment;
    const answer = new Promise<Answer>((resolve) => {
      answered = resolve;
    });
    const timeout = Promise.withResolvers<'timeout'>();
    let timer = setTimeout(() => timeout.resolve('timeout'), initTimeoutMs);
    // The function's own time begins when it gets the event.
    const handedOver = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => timeout.resolve('timeout'), lambda.timeoutMs);
    };
    next = { id: randomUUID(), event, handedOver };
    handOver();
    const outcome = await Promise.race([answer, gone.then(() => 'exit' as const), timeout.promise]);
    clearTimeout(timer);
    next = undefined;
    answered = undefined;
    const ms = performance.now() - from;
    const failed = (errorType: string, errorMessage: string): Invocation => ({
      payload: JSON.stringify({ errorType, errorMessage }),
      functionError: 'Unhandled',
      ...{ isCold, ms },
    });
    if (outcome === 'timeout' || outcome === 'exit') {
      await end();
      return outcome === 'timeout'
        ? failed('Sandbox.Timedout', `Task timed out after ${(lambda.timeoutMs / 1_000).toFixed(2)} seconds`)
        : failed('Runtime.ExitError', 'Runtime exited');
    }
    if (outcome.kind === 'error') return { payload: outcome.body, functionError: 'Unhandled', isCold, ms };
    if (Buffer.byteLength(outcome.body) > maxPayloadBytes)
      return failed(
        'Function.ResponseSizeTooLarge',
        `Response payload size exceeded maximum allowed payload size (${maxPayloadBytes} bytes).`,
      );
    return { payload: outcome.body, isCold, ms };
  };

  return {
    invoke(event) {
      const result = last.then(() => invokeNow(Buffer.from(event)));
      last = result.catch(() => undefined);
      return result;
    },
    output: () => printed,
    async stop() {
      await end();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
