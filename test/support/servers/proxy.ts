import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';

type Mode = 'pass' | 'refuse' | 'hang';

export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** Forwards again, at once. */
  pass(): Promise<void>;
  /** Cuts what is open and refuses new connections, as when nothing listens. */
  refuse(): Promise<void>;
  /** Keeps connections open, takes new ones, and lets nothing through either way until `pass`, as when packets are lost. */
  hang(): void;
  /** Resets what is open; new connections are served. */
  cut(): void;
  /** Lets every chunk pass only after this long; 0 ends it. */
  delay(delayMs: number): void;
  /** Passes everything on but what the server says like this: it does not arrive, and its connection is reset. */
  loseAnswer(pattern: RegExp): void;
  /** How many connections are open at the moment. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** Listens on a port of its own in front of a server, and lets the network fail on demand. */
export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  let mode: Mode = 'pass';
  let delayMs = 0;
  let lost: RegExp | undefined;
  const losesNow = (chunk: Buffer): boolean => lost?.test(chunk.toString('latin1')) === true;
  const port = await freePort();
  const pairs = new Set<Pair>();
  const listener = createServer({ pauseOnConnect: true }, (client) => {
    const pair = openPair(client, target, () => delayMs, losesNow);
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
    if (mode === 'pass') pair.resume();
  });
  const listen = async (): Promise<void> => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  };
  const cut = () => {
    for (const pair of pairs) pair.reset();
  };
  const refuse = async () => {
    mode = 'refuse';
    if (!listener.listening) return;
    const closed = once(listener, 'close');
    listener.close();
    cut();
    await closed;
  };
  await listen();
  listener.unref();

  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return pairs.size;
    },
    async pass() {
      mode = 'pass';
      lost = undefined;
      if (!listener.listening) await listen();
      for (const pair of pairs) pair.resume();
    },
    refuse,
    hang() {
      if (mode === 'refuse') throw new Error('A proxy that refuses connections has none to hang: call pass() first.');
      mode = 'hang';
      for (const pair of pairs) pair.pause();
    },
    cut,
    delay(value) {
      delayMs = value;
    },
    loseAnswer(pattern) {
      lost = pattern;
    },
    stop: refuse,
  };
}

interface Pair {
  pause(): void;
  resume(): void;
  reset(): void;
}

function openPair(
  client: Socket,
  target: { readonly host: string; readonly port: number },
  delayMs: () => number,
  losesNow: (chunk: Buffer) => boolean,
): Pair {
  const server = connect(target);
  server.pause();
  forward(client, server, delayMs, () => false);
  forward(server, client, delayMs, losesNow);
  return {
    pause() {
      client.pause();
      server.pause();
    },
    resume() {
      client.resume();
      server.resume();
    },
    reset() {
      client.resetAndDestroy();
      server.resetAndDestroy();
    },
  };
}

function forward(from: Socket, to: Socket, delayMs: () => number, losesNow: (chunk: Buffer) => boolean): void {
  const waiting: (() => void)[] = [];
  // Each timer lets the first in line pass, whoever set it: the order holds when the delay changes.
  const later = (work: () => void) => {
    if (waiting.length === 0 && delayMs() === 0) return work();
    waiting.push(work);
    setTimeout(() => waiting.shift()?.(), delayMs());
  };
  from.on('data', (chunk: Buffer) => {
    if (!losesNow(chunk)) return later(() => to.writable && to.write(chunk));
    to.resetAndDestroy();
    from.resetAndDestroy();
  });
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.resetAndDestroy());
  from.on('close', () => later(() => to.destroy()));
}
