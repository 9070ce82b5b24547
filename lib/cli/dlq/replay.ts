import { Console } from 'node:console';
import { realClock } from '../../compose.ts';
import { ConfigError } from '../../core/errors.ts';
import { readSettings } from '../../core/settings.ts';
import type { CommandWorld } from '../dev.ts';
import { terminal } from '../terminal.ts';
import { replaysOf } from './dead-letter.ts';
import type { Destination } from './destination.ts';
import { type Edit, loadEdit } from './edit.ts';
import { type LetterFilter, letterFilter } from './filter.ts';
import { checkGroup, collapse, type Failure, isDone } from './groups.ts';
import type { Journal } from './journal.ts';
import { connectorOf, type Dlq, type DlqFlags, onlyTopic, withDlq } from './open.ts';
import { progressBar } from './progress.ts';
import { countsText, printPlan, printResult, resultJson } from './replay-report.ts';
import { type Held, type ReplayResult, replayAll } from './replay-run.ts';
import { toSink } from './to-sink.ts';
import { toTopic } from './to-topic.ts';
import { readLetters } from './topic.ts';

export interface ReplayFlags extends DlqFlags, LetterFilter {
  readonly to?: string;
  /** A file that exports `edit`. */
  readonly transform?: string;
  /** Letters per second at most. */
  readonly rate?: number;
  readonly limit?: number;
  readonly maxReplays?: number;
  /** Those too that were replayed from here already. */
  readonly again?: boolean;
  readonly dryRun?: boolean;
}

/** A letter that failed this often after it was replayed waits for somebody to look at it. */
const defaultMaxReplays = 3;
const trialLetters = 20;

/** Sends letters of one connector on their way again. Answers the exit code: 1 when some are left that were meant. */
export async function dlqReplay(flags: ReplayFlags, connector: string, world: CommandWorld): Promise<number> {
  const to = destinationName(flags.to);
  // What a function prints is no JSON.
  if (flags.json === true) globalThis.console = new Console(process.stderr, process.stderr);
  if (flags.rate === 0 || flags.limit === 0) throw new ConfigError('USAGE', 'Expected --rate and --limit to be 1 or more.');
  return await withDlq(flags, connector, world, async (dlq) => {
    const topic = onlyTopic(dlq);
    const journal = await dlq.journal(connector, topic);
    const edit = flags.transform === undefined ? undefined : await loadEdit(flags.transform);
    const destination = await openDestination(to, dlq, connector, topic, flags, world);
    try {
      const letters = await readLetters(dlq.inspector, topic, (letter) => letter.connector === connector, world.signal);
      checkGroup(flags.group, letters);
      const choice = choose(collapse(letters), { flags, journal, destination });
      if (flags.dryRun === true) return await trial(choice, { dlq, connector, topic, destination, edit, flags, world });
      const lock = await journal.lock();
      try {
        return await run(choice, { dlq, connector, topic, destination, edit, flags, journal, to, world });
      } finally {
        await lock.release();
      }
    } finally {
      await destination.close();
    }
  });
}

interface Choice {
  readonly chosen: readonly Failure[];
  /** Meant, but not to be sent. */
  readonly held: readonly Held[];
  /** Left out as they were replayed already. */
  readonly done: number;
}

function choose(
  failures: readonly Failure[],
  by: { readonly flags: ReplayFlags; readonly journal: Journal; readonly destination: Destination },
): Choice {
  const { flags, journal, destination } = by;
  const isMeant = letterFilter(flags, realClock.now());
  const maxReplays = flags.maxReplays ?? defaultMaxReplays;
  const held: Held[] = [];
  const chosen: Failure[] = [];
  let done = 0;
  for (const failure of failures) {
    const { letter } = failure;
    if (!isMeant(letter)) continue;
    if (flags.again !== true && isDone(failure, journal)) {
      done++;
      continue;
    }
    const replays = replaysOf(letter) + failure.letters.reduce((most, { place }) => Math.max(most, journal.failures(place)), 0);
    const because = destination.refusal(letter) ?? (replays >= maxReplays ? loops(replays) : undefined);
    if (because === undefined) chosen.push(failure);
    else held.push({ place: letter.place, because });
  }
  return { chosen: flags.limit === undefined ? chosen : chosen.slice(0, flags.limit), held, done };
}

function loops(replays: number): string {
  return `failed again after ${replays === 1 ? 'a replay' : `${replays} replays`}: mend the cause, then say --max-replays ${replays + 1}`;
}

interface Replaying {
  readonly dlq: Dlq;
  readonly connector: string;
  readonly topic: string;
  readonly destination: Destination;
  readonly edit: Edit | undefined;
  readonly flags: ReplayFlags;
  readonly world: CommandWorld;
}

async function run(choice: Choice, replaying: Replaying & { readonly journal: Journal; readonly to: 'sink' | 'topic' }): Promise<number> {
  const { dlq, connector, topic, destination, edit, flags, journal, to, world } = replaying;
  const out = terminal(world.stdout, world.env);
  const bar = flags.json === true ? undefined : progressBar(world.stdout, world.env, choice.chosen.length, realClock.now);
  const result = await replayAll(choice.chosen, {
    inspector: dlq.inspector,
    destination,
    edit,
    clock: realClock,
    signal: world.signal,
    settled: (marks) => journal.mark(marks, to),
    progress: (counts) => bar?.show(counts.done, countsText(counts)),
    ...(flags.rate === undefined ? {} : { rate: flags.rate }),
  });
  bar?.end();
  const all: ReplayResult = { ...result, held: [...choice.held, ...result.held] };
  if (flags.json === true) out.line(JSON.stringify({ connector, topic, to, alreadyReplayed: choice.done, ...resultJson(all) }, null, 2));
  else printResult(all, choice.done, out);
  if (all.stoppedBy instanceof ConfigError) return 2;
  return all.counts.done === all.counts.letters && all.counts.failed === 0 && all.held.length === 0 ? 0 : 1;
}

/** Takes a few through all that can be tried without writing. */
async function trial(choice: Choice, { dlq, connector, topic, destination, edit, flags, world }: Replaying): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const tried = await replayAll(choice.chosen.slice(0, trialLetters), {
    inspector: dlq.inspector,
    destination,
    edit,
    clock: realClock,
    signal: world.signal,
    settled: async () => undefined,
    progress: () => undefined,
  });
  const plan = { letters: choice.chosen.length, held: [...choice.held, ...tried.held], done: choice.done, words: destination.words };
  if (flags.json === true)
    out.line(
      JSON.stringify(
        {
          connector,
          topic,
          dryRun: true,
          letters: plan.letters,
          alreadyReplayed: plan.done,
          trial: resultJson({ ...tried, held: plan.held }),
        },
        null,
        2,
      ),
    );
  else printPlan(plan, tried, flags.to === 'topic' ? undefined : connector, out);
  if (tried.stoppedBy instanceof ConfigError) return 2;
  return tried.counts.failed === 0 && plan.held.length === 0 && tried.stoppedBy === undefined ? 0 : 1;
}

async function openDestination(
  to: 'sink' | 'topic',
  dlq: Dlq,
  name: string,
  topic: string,
  { dryRun = false }: ReplayFlags,
  { env }: CommandWorld,
): Promise<Destination> {
  const connector = connectorOf(dlq.service, name);
  if (to === 'topic') {
    const settings = connector === undefined ? undefined : readSettings(connector.connector).settings;
    return await toTopic({ cluster: dlq.cluster, dryRun, acceptsReplays: settings?.acceptReplays ?? false });
  }
  if (connector !== undefined) return await toSink({ connector, topic, cluster: dlq.clusterSettings, env, dryRun });
  throw new ConfigError(
    'NO_CONNECTOR',
    `${name} is no connector of this service, so its sink is not known. Say --to topic to send its letters to the topic they came from.`,
  );
}

function destinationName(to: string | undefined): 'sink' | 'topic' {
  if (to === undefined || to === 'sink') return 'sink';
  if (to === 'topic') return 'topic';
  throw new ConfigError('USAGE', 'Expected --to to be sink or topic.');
}
