// The modules of kafkajs 2.2.4 that `kafkajs-wire.ts` reaches into. They have no types of their own.

declare module 'kafkajs/src/protocol/requests/index.js' {
  export interface Call {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      readonly expectResponse?: () => boolean;
      readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
    };
    readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: never): Promise<unknown> };
    readonly requestTimeout?: number;
  }
  export interface FetchOptions {
    readonly rackId: unknown;
  }
  export interface ProduceOptions {
    readonly acks: number;
    readonly timeout: number;
    readonly transactionalId?: string | null;
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly unknown[] }[];
    }[];
  }
  interface Definition<Options> {
    protocol: (choice: { readonly version: number }) => (options: Options) => Call;
  }
  export const requests: { readonly Fetch: Definition<FetchOptions>; readonly Produce: Definition<ProduceOptions> };
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
  export = RequestQueue;
}

declare module 'kafkajs/src/consumer/batch.js' {
  class Batch {
    readonly rawMessages: readonly unknown[];
    isEmpty(): boolean;
    isEmptyDueToFiltering(): boolean;
  }
  export = Batch;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type { ISocketFactory } from 'kafkajs';

  class Connection {
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly logger: object;
      readonly socketFactory: ISocketFactory;
      readonly requestTimeout: number;
      readonly connectionTimeout: number;
    });
    readonly requestQueue: { fulfillRequest(answer: { readonly correlationId: number; readonly payload: Buffer }): void };
    readonly socket?: Socket;
    chunks: Buffer[];
    bytesBuffered: number;
    bytesNeeded: number;
    isConnected(): boolean;
    connect(): Promise<boolean>;
    disconnect(): Promise<boolean>;
    processData(bytes: Buffer): void;
  }
  export = Connection;
}
