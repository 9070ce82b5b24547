import type { ConfigError } from '../../core/errors.ts';
import type { Outcome } from '../../core/sink.ts';
import { type Body, createBody } from './body.ts';
import { type BulkOptions, type Conflict, type Operation, sendBulk } from './bulk.ts';
import { fromElsewhere, readStored } from './settle.ts';

type Send = (operations: readonly Operation[], body: Body, options: BulkOptions) => Promise<readonly (Outcome | Conflict)[]>;

/**
 * Sends like `sendBulk`, but does not replace documents that another topic or partition wrote in the same epoch. The server compares
 * numbers only, so a higher offset of another partition would win unseen: what is stored is read for the first records of each partition,
 * where a changed partitioning shows, or always.
 */
export function partitionWatch(when: 'first' | 'always', stampField: string): Send {
  const known = new Set<string>();
  return async (operations, body, options) => {
    const unsure = when === 'always' ? operations : unknownPartitions(operations, known);
    if (unsure.length === 0) return sendBulk(operations, body, options);
    const stored = await readStored(
      unsure.map((operation) => ({ operation, index: operation.index })),
      stampField,
      options,
    );
    if (!Array.isArray(stored)) return operations.map(() => stored as Outcome);
    const refused = new Map<Operation, ConfigError>();
    const unclear = new Set<string>();
    for (const [at, operation] of unsure.entries()) {
      const document = stored[at];
      // What cannot be read, such as an alias of several indices, is left to the bulk request; the partition is then not known yet.
      if (document instanceof Error) unclear.add(nameOf(operation));
      const error = document?.stamp ? fromElsewhere(operation, document.stamp) : undefined;
      if (error === undefined) continue;
      refused.set(operation, error);
      unclear.add(nameOf(operation));
    }
    if (when === 'first') for (const operation of unsure) if (!unclear.has(nameOf(operation))) known.add(nameOf(operation));
    if (refused.size === 0) return sendBulk(operations, body, options);
    return sendOthers(operations, refused, body, options);
  };
}

function unknownPartitions(operations: readonly Operation[], known: ReadonlySet<string>): readonly Operation[] {
  const unsure: Operation[] = [];
  let last: Operation['record']['version'] | undefined;
  let isKnown = false;
  for (const operation of operations) {
    const { version } = operation.record;
    if (version.topic !== last?.topic || version.partition !== last.partition || version.epoch !== last.epoch) {
      last = version;
      isKnown = known.has(nameOf(operation));
    }
    if (!isKnown) unsure.push(operation);
  }
  return unsure;
}

function nameOf({ record: { version } }: Operation): string {
  return `${version.topic}-${version.partition}/${version.epoch}`;
}

async function sendOthers(
  operations: readonly Operation[],
  refused: ReadonlyMap<Operation, ConfigError>,
  body: Body,
  options: BulkOptions,
): Promise<readonly (Outcome | Conflict)[]> {
  const rest = createBody(body.length);
  const others: Operation[] = [];
  for (const operation of operations) {
    if (refused.has(operation)) continue;
    const start = rest.length;
    rest.bytes(body.slice(operation.start, operation.end));
    others.push({ ...operation, start, end: rest.length });
  }
  const results = (await sendBulk(others, rest, options)).values();
  return operations.map((operation) => refused.get(operation) ?? (results.next().value as Outcome | Conflict));
}
