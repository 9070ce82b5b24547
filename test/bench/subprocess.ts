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
  try {
    return await new Promise<Answer>((resolve, reject) => {
      child.once('error', reject);
      child.once('message', (answer) => resolve(answer as Answer));
      child.once('exit', (code, signal) =>
        reject(new Error(`Expected an answer of ${file.pathname}, but it ended with ${code ?? signal}.`)),
      );
      child.send(input as never);
    });
  } finally {
    process.off('exit', stop);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await new Promise((resolve) => child.once('exit', resolve));
    }
  }
}

/** In the process: takes the input, does the work and sends what it answers. */
export function answer<Input, Answer>(work: (input: Input) => Promise<Answer>): void {
  process.once('message', async (input) => {
    const result = await work(input as Input);
    process.send?.(result, undefined, undefined, () => process.disconnect());
  });
}
