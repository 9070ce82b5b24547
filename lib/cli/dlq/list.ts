import { originName } from '../../core/record.ts';
import type { CommandWorld } from '../dev.ts';
import { tableLines } from '../table.ts';
import { count, counted, terminal } from '../terminal.ts';
import { type LetterFilter, letterFilter } from './filter.ts';
import { checkGroup, collapse, groupsOf, type LetterGroup, shortIds } from './groups.ts';
import { type Dlq, type DlqFlags, withDlq } from './open.ts';
import { becauseOf, cut, shortTime } from './text.ts';
import { readLetters } from './topic.ts';

const becauseWidth = 100;
const unnamed = '(not said)';

interface TopicGroup extends LetterGroup {
  readonly topic: string;
}

/** Lists what failed, one line for each kind of failure. Answers the exit code. */
export async function dlqList(
  flags: DlqFlags & LetterFilter & { readonly all?: boolean },
  connector: string | undefined,
  world: CommandWorld,
): Promise<number> {
  return await withDlq(flags, connector, world, async (dlq) => {
    const out = terminal(world.stdout, world.env);
    const now = Date.now();
    const groups = await readGroups(dlq, flags, connector, world.signal);
    const shown = flags.all === true ? groups : groups.filter(({ waiting }) => waiting > 0);
    if (flags.json === true) {
      out.line(JSON.stringify({ groups: shown.map(toJson), missing: dlq.missing }, null, 2));
      return 0;
    }
    for (const topic of dlq.missing) out.line(`  There is no topic ${topic} yet: no dead letter was ever written to it.`);
    if (shown.length > 0) for (const line of groupLines(shown, connector === undefined, now)) out.line(`  ${line}`);
    const hidden = groups.reduce((sum, { replayed }) => sum + replayed, 0);
    if (shown.length === 0 && dlq.topics.length > 0)
      out.line(`  No dead letters wait${connector === undefined ? '' : ` for ${connector}`} in ${dlq.topics.join(', ')}.`);
    if (flags.all !== true && hidden > 0)
      out.line(out.style('dim', `  ${counted(hidden, 'failure')} replayed from here already: --all shows them too.`));
    return 0;
  });
}

async function readGroups(
  dlq: Dlq,
  flags: LetterFilter,
  connector: string | undefined,
  signal: AbortSignal,
): Promise<readonly TopicGroup[]> {
  const isMeant = letterFilter(flags, Date.now());
  const groups: TopicGroup[] = [];
  for (const topic of dlq.topics) {
    const letters = await readLetters(dlq.inspector, topic, (letter) => connector === undefined || letter.connector === connector, signal);
    if (dlq.topics.length === 1) checkGroup(flags.group, letters);
    for (const [name, own] of Map.groupBy(collapse(letters), ({ letter }) => letter.connector)) {
      const marks = name === undefined ? { isReplayed: () => false } : await dlq.journal(name, topic);
      const meant = own.filter(({ letter }) => isMeant(letter));
      groups.push(...groupsOf(meant, marks).map((group) => ({ ...group, topic })));
    }
  }
  return groups;
}

function groupLines(groups: readonly TopicGroup[], withConnector: boolean, now: number): string[] {
  const id = shortIds(groups.map(({ fingerprint }) => fingerprint));
  const withReplayed = groups.some(({ replayed }) => replayed > 0);
  const rows = groups.map((group) => [
    ...(withConnector ? [group.connector ?? unnamed] : []),
    id(group.fingerprint),
    count(group.waiting),
    ...(withReplayed ? [count(group.replayed)] : []),
    shortTime(group.firstSeen, now),
    shortTime(group.lastSeen, now),
    group.stage,
    cut(becauseOf(group), becauseWidth),
  ]);
  const columns = [
    ...(withConnector ? ['connector'] : []),
    'group',
    { heading: 'letters', align: 'right' } as const,
    ...(withReplayed ? [{ heading: 'replayed', align: 'right' } as const] : []),
    'first seen',
    'last seen',
    'stage',
    'because',
  ];
  return tableLines(columns, rows);
}

function toJson({
  topic,
  connector,
  fingerprint,
  waiting,
  replayed,
  firstSeen,
  lastSeen,
  stage,
  code,
  message,
  example,
}: TopicGroup): object {
  return {
    topic,
    connector: connector ?? null,
    group: fingerprint,
    letters: waiting,
    replayed,
    firstSeen: new Date(firstSeen).toISOString(),
    lastSeen: new Date(lastSeen).toISOString(),
    stage,
    code,
    message,
    example: originName(example),
  };
}
