import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface Backend {
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
  readonly tls: ConnectionOptions | undefined;
}

const sslRequestCode = 80_877_103;
const cancelRequestCode = 80_877_102;

/** Asks the server to end what the backend is doing, by a connection of its own as the protocol wants it. Answers once the server took note or the time is over; never throws. */
export async function cancelBackend(backend: Backend, timeoutMs: number): Promise<void> {
  const socket = backend.host.startsWith('/') ? connect(`${backend.host}/.s.PGSQL.${backend.port}`) : connect(backend.port, backend.host);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    const channel = backend.tls === undefined ? socket : await encrypted(socket, backend.tls);
    channel.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
    channel.end(message(cancelRequestCode, backend.processID, backend.secretKey));
    channel.resume();
    await closed;
  } catch {
    // What the server does not hear, the end of the connection tells it.
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function encrypted(socket: Socket, tls: ConnectionOptions): Promise<Socket> {
  socket.write(message(sslRequestCode));
  await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  const answer: unknown = socket.read(1);
  if (!Buffer.isBuffer(answer) || answer[0] !== 0x53) return socket;
  const channel = connectTls({ ...tls, socket });
  await once(channel, 'secureConnect');
  return channel;
}

function message(...words: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 + 4 * words.length);
  buffer.writeInt32BE(buffer.length, 0);
  for (const [index, word] of words.entries()) buffer.writeInt32BE(word | 0, 4 + 4 * index);
  return buffer;
}
