import { createServer } from 'node:net';

// Below every system's ephemeral range: no outgoing connection can take the port of a server that is down for a while.
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;

/** A port of 127.0.0.1 that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
  throw new Error(`Found no free port between ${FIRST_PORT} and ${LAST_PORT} in 50 attempts.`);
}

/** As many different free ports as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** The port that people can remember, or another one where it is taken. */
export async function portOr(preferred: number): Promise<number> {
  return (await isFree(preferred)) ? preferred : await freePort();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
