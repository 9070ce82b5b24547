import { fork } from 'node:child_process';

/** Runs a file of this folder in a process of its own, which gets the input and sends one answer. Its standard output is not of interest. */
export async function inProcess<Answer>(file: URL, input: unknown, nodeOptions: readonly string[] = []): Promise<Answer> {
  const child = fork(file, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...nodeOptions],
    serialization: 'advanced',
  });
  const stop = (): void => void child.kill();
  process.once('exit', stop);
  const exit = new Promise<number | string | null>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  try {
    const answered = new Promise<Answer>((resolve, reject) => {
      child.once('error', reject);
      child.once('message', (message) => resolve(message as Answer));
      void exit.then((code) => reject(new Error(`Expected an answer of ${file.pathname}, but it ended with ${code}.`)));
    });
    child.send(input as never);
    return await answered;
  } finally {
    const timer = setTimeout(stop, endMs);
    await exit;
    clearTimeout(timer);
    process.off('exit', stop);
  }
}

/** How long a process may take to end when it has answered. */
const endMs = 5_000;

/** In the process: takes the input, does the work and sends what it answers. */
export function answer<Input, Answer>(work: (input: Input) => Promise<Answer>): void {
  process.once('message', async (input) => {
    const result = await work(input as Input);
    process.send?.(result, undefined, undefined, () => process.disconnect());
  });
}
