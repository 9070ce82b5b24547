import { worse } from '../../../core/outcome.ts';
import type { Outcome } from '../../../core/sink.ts';
import { byIdentity } from '../collapse.ts';
import type { Database, Statement } from '../database.ts';
import { settleByVersion } from '../guard.ts';
import type { Settings } from '../options.ts';
import type { Plan } from '../plan.ts';
import { readStored, storedStatement } from '../statement.ts';
import type { ChangedRow, Operation } from './operations.ts';
import { type Entry, type Segment, segmentsOf } from './segments.ts';
import type { ChangeStatements } from './statements.ts';

interface Application {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly statements: ChangeStatements;
  readonly signal: AbortSignal;
}

/** Makes the changes in their order within the transaction; answers by position of their record. Throws when the server refuses one. */
export async function applyChanges(
  inside: Database,
  operations: readonly Operation[],
  application: Application,
): Promise<ReadonlyMap<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  for (const segment of segmentsOf(operations, application.settings)) {
    const answers = await applySegment(inside, segment, application);
    for (const { position, identities } of segment.touched) {
      const [first = 'delivered', ...others] = identities.map((identity) => answers.get(identity) ?? 'delivered');
      outcomes.set(position, others.reduce<Outcome>(worseOutcome, first));
    }
  }
  return outcomes;
}

function worseOutcome(a: Outcome, b: Outcome): Outcome {
  return worse(a, b) === a ? a : b;
}

async function applySegment(
  inside: Database,
  { truncate, entries }: Segment,
  { plan, settings, statements, signal }: Application,
): Promise<ReadonlyMap<string, Outcome>> {
  const answers = new Map<string, Outcome>();
  const isGuarded = settings.guard.type !== 'none';
  const run = async (statement: Statement): Promise<number> => (await inside.run(statement, signal)).rowCount ?? 0;

  if (truncate !== undefined) {
    await run(statements.truncate(truncate));
    return answers;
  }

  /** What the guard kept out is told from what was there already by the versions that are stored. */
  const settle = async (rows: readonly ChangedRow[], count: number): Promise<void> => {
    if (!isGuarded || count === rows.length) return;
    const { rows: found } = await inside.run(storedStatement(rows, plan, settings), signal);
    const stored = new Map(
      found.map((row) => {
        const { n, stored } = readStored(row);
        return [n, stored] as const;
      }),
    );
    for (const [index, row] of rows.entries()) {
      const version = stored.get(index + 1);
      const isGone = version === undefined && row.kind === 'tombstone' && settings.deletes === 'hard';
      if (!isGone) answers.set(row.identity ?? '', settleByVersion(row.record, version, settings.guard));
    }
  };

  const removed = rowsOf(entries, ({ remove }) => remove);
  if (removed.length > 0) {
    const isMark = settings.deletes === 'soft';
    await settle(removed, await run(isMark ? statements.mark(removed) : statements.delete(removed)));
  }
  const kindOf = settings.write === 'insert' ? insertKind : upsertKind;
  for (const [kind, rows] of groupsOf(entries, kindOf)) {
    if (kind === 'partial') await settle(rows, (await run(statements.update(rows))) + (await run(statements.insertMissing(rows))));
    else if (kind === 'upsert') await settle(rows, await run(statements.upsert(rows)));
    else await run(kind === 'insert' ? statements.insert(rows) : statements.update(rows));
  }
  return answers;
}

type Kind = 'upsert' | 'partial' | 'insert' | 'update';

function upsertKind({ put }: Entry): Kind {
  // Where the row is there, an insert that turns into an update would have to satisfy every NOT NULL first.
  return put?.isPartial === true ? 'partial' : 'upsert';
}

function insertKind({ isUpdate }: Entry): Kind {
  return isUpdate ? 'update' : 'insert';
}

/** In the order of their identities, so that two workers lock the rows they share in the same order. */
function rowsOf(entries: ReadonlyMap<string, Entry>, rowOf: (entry: Entry) => ChangedRow | undefined): ChangedRow[] {
  return [...entries.values()]
    .map(rowOf)
    .filter((row) => row !== undefined)
    .sort(byIdentity);
}

/** Rows that come, by what one statement can carry. */
function groupsOf(entries: ReadonlyMap<string, Entry>, kindOf: (entry: Entry) => Kind): readonly (readonly [Kind, ChangedRow[]])[] {
  const groups = new Map<string, [Kind, ChangedRow[]]>();
  for (const entry of entries.values()) {
    const { put } = entry;
    if (put === undefined) continue;
    const kind = kindOf(entry);
    const name = `${kind}${put.shape}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [kind, [put]]);
    else group[1].push(put);
  }
  for (const [, rows] of groups.values()) rows.sort(byIdentity);
  return [...groups.values()];
}
