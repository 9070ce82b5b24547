import type { ObjectHeaders, ObjectStore } from '../../lib/clients/object-store.ts';
import { RetriableError } from '../../lib/core/errors.ts';

export interface StoredObject extends ObjectHeaders {
  readonly body: Uint8Array;
}

export type Operation = 'create' | 'put' | 'head' | 'list';

/** What happens to one request: it never arrives, its answer is lost, it arrives when `land` is called, or something is thrown. */
export type Fault = 'lost before' | 'lost after' | 'lands later' | Error | undefined;

export interface MemoryObjectStore extends ObjectStore {
  /** By name; in no order. */
  readonly objects: Map<string, StoredObject>;
  /** Requests so far, in order. */
  readonly requests: { readonly operation: Operation; readonly name: string }[];
  /** Asked before each request. */
  fault: (operation: Operation, name: string) => Fault;
  /** Carries out what was under way when its connection broke. */
  land(): void;
}

/** A bucket in memory that keeps the promises of an object store, and breaks connections when it is told to. */
export function memoryObjectStore(): MemoryObjectStore {
  const objects = new Map<string, StoredObject>();
  const underWay: (() => unknown)[] = [];
  const request = async <Result>(operation: Operation, name: string, signal: AbortSignal, answer: () => Result): Promise<Result> => {
    store.requests.push({ operation, name });
    await Promise.resolve();
    if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
    const fault = store.fault(operation, name);
    if (fault instanceof Error) throw fault;
    if (fault === 'lost before') throw new RetriableError('SINK_UNREACHABLE', 'The connection broke before the request arrived');
    if (fault === 'lands later') {
      underWay.push(answer);
      throw new RetriableError('SINK_UNREACHABLE', 'The connection broke while the request was under way');
    }
    const result = answer();
    if (fault === 'lost after') throw new RetriableError('SINK_UNREACHABLE', 'The connection broke before the answer arrived');
    return result;
  };
  const keep = (name: string, body: Uint8Array, headers: ObjectHeaders): void => {
    objects.set(name, { ...headers, body: Uint8Array.from(body) });
  };
  const store: MemoryObjectStore = {
    objects,
    requests: [],
    fault: () => undefined,
    land() {
      for (const answer of underWay.splice(0)) answer();
    },
    create: (name, body, headers, { signal }) =>
      request('create', name, signal, () => {
        if (objects.has(name)) return 'exists';
        keep(name, body, headers);
        return 'created';
      }),
    put: (name, body, headers, { signal }) => request('put', name, signal, () => keep(name, body, headers)),
    head: (name, { signal }) =>
      request('head', name, signal, () => {
        const object = objects.get(name);
        return object === undefined ? undefined : { name, size: object.body.length, metadata: object.metadata };
      }),
    async *list({ prefix, startAfter = '', endBefore }, { signal }) {
      const names = await request('list', prefix, signal, () =>
        [...objects.keys()]
          .filter((name) => name.startsWith(prefix) && isLess(startAfter, name) && (endBefore === undefined || isLess(name, endBefore)))
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
      for (const name of names) yield { name };
    },
    probe: ({ signal }) => request('list', '', signal, () => undefined),
    close: () => Promise.resolve(),
  };
  return store;
}

function isLess(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
