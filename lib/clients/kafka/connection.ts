import * as net from 'node:net';
import * as tls from 'node:tls';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { toConnectorError } from './errors.ts';
import './kafkajs-connection.ts';

const keepAliveMs = 60_000;

/** kafkajs for one producer, consumer or admin, whose connections can be cut. */
export interface Connection {
  readonly kafka: Kafka;
  /** Cuts every connection at once: what is in flight fails, and nothing is connected again. */
  destroy(): void;
}

/** kafkajs with sockets of our own, so that an abort leaves nothing in flight: its own `disconnect` waits for all answers. */
export function openConnection(config: KafkaConfig): Connection {
  const sockets = new Set<net.Socket>();
  let isDestroyed = false;
  const socketFactory = ({ host, port, ssl, onConnect }: SocketArguments): net.Socket => {
    if (isDestroyed) throw new Error('the connection was closed by this client');
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl ? tls.connect({ host, port, ...servername, ...ssl }, onConnect) : net.connect({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  return {
    kafka: new Kafka({ ...config, socketFactory: socketFactory as NonNullable<KafkaConfig['socketFactory']> }),
    destroy() {
      isDestroyed = true;
      for (const socket of sockets) socket.destroy(new Error('the connection was closed by this client'));
    },
  };
}

interface SocketArguments {
  readonly host: string;
  readonly port: number;
  readonly ssl: tls.ConnectionOptions | undefined;
  readonly onConnect: () => void;
}

/** The result, or what went wrong by its name. */
export async function named<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw toConnectorError(error);
  }
}

// What fails is thrown or told by an event; kafkajs' own lines would only repeat it, so they are for those who debug.
export const kafkajsLogLevel: logLevel = logLevel.WARN;
