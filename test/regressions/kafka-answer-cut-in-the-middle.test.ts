import { PassThrough } from 'node:stream';
import { type ISocketFactory, Kafka } from 'kafkajs';
import KafkaConnection from 'kafkajs/src/network/connection.js';
import { afterEach, describe, expect, it } from 'vitest';
import '../../lib/clients/kafka/kafkajs-connection.ts';

let connection: KafkaConnection | undefined;
afterEach(() => connection?.disconnect());

/** A connection of kafkajs to nobody, and the answers that it has read. */
function setUp() {
  const sockets: PassThrough[] = [];
  const answers: string[] = [];
  const socketFactory = (({ onConnect }: { readonly onConnect: () => void }) => {
    const socket = Object.assign(new PassThrough(), { unref: () => undefined });
    sockets.push(socket);
    process.nextTick(onConnect);
    return socket;
  }) as unknown as ISocketFactory;
  const logger = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: 0 }).logger();
  const own = new KafkaConnection({ host: '127.0.0.1', port: 1, logger, socketFactory, requestTimeout: 1_000, connectionTimeout: 1_000 });
  own.requestQueue.fulfillRequest = ({ correlationId, payload }) => void answers.push(`${correlationId} ${payload}`);
  connection = own;
  return { connection: own, sockets, answers };
}

function answer(correlationId: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + text.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe('a connection to a broker', () => {
  it('does not take the next answers for the rest of one that was cut off', async () => {
    const { connection, sockets, answers } = setUp();
    await connection.connect();
    sockets[0]?.emit('data', answer(1, 'a long answer that never comes to its end').subarray(0, 20));
    await connection.disconnect();
    await connection.connect();
    sockets[1]?.emit('data', answer(2, 'metadata'));
    sockets[1]?.emit('data', answer(3, 'records'));
    expect(answers).toEqual(['2 metadata', '3 records']);
  });

  it('ends with an answer that cannot be read, and the process does not', async () => {
    const { connection, sockets, answers } = setUp();
    await connection.connect();
    sockets[0]?.emit('data', Buffer.from([0, 0, 0, 2, 0, 1]));
    expect(sockets[0]?.destroyed).toBe(true);
    expect(answers).toEqual([]);
  });
});
