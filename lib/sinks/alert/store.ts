import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { ConfigError, ConnectorError, RetriableError } from '../../core/errors.ts';

export interface Place {
  readonly connector: string;
  readonly channel: string;
}

export interface ClaimRow {
  readonly key: string;
  /** mine: to be told now. told: the same was told before. busy: somebody else is telling it. */
  readonly verdict: 'mine' | 'told' | 'busy';
  /** For busy: until when nobody else may tell it. */
  readonly waitMs: number;
}

export interface RateLimit {
  readonly messages: number;
  readonly perMs: number;
}

export interface Silence {
  /** A group, a prefix that ends in *, or null for all. */
  readonly groupName: string | null;
  readonly severity: string | null;
}

/** What has to be remembered between invocations. Every method throws a RetriableError when the database cannot be asked, a ConfigError when it must be set up differently. */
export interface Store {
  /** Takes the right to tell each key with its state, unless the same state was told within `repeatMs`. */
  claim(place: Place, wanted: readonly (readonly [key: string, state: string])[], repeatMs: number): Promise<readonly ClaimRow[]>;
  /** Remembers the first keys as told, and gives the right to tell the second ones back. */
  settle(place: Place, told: readonly string[], untold: readonly string[]): Promise<void>;
  /** Counts a message; answers 0, or after how many milliseconds there may be another. */
  takeTurn(place: Place, limit: RateLimit): Promise<number>;
  /** Those that are in force. */
  silences(place: Place): Promise<readonly Silence[]>;
  close(): Promise<void>;
}

/** Longer than sending takes: whoever died while telling keeps others from it no longer than this. */
const leaseMs = 45_000;
const tableMissing = '42P01';

/** Opens nothing yet: the first question connects, and makes the tables when they are not there. All times are those of the database. */
export function openStore(url: string, table: string, timeoutMs: number): Store {
  const holder = randomUUID();
  let pool: Promise<Pool> | undefined;
  const connect = async (): Promise<Pool> => {
    const { default: pg } = await import('pg');
    const opened = new pg.Pool({
      ...{ connectionString: url, max: 2, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs, allowExitOnIdle: true },
      application_name: 'sluice alert',
    });
    opened.on('error', () => undefined); // an idle connection broke; the next question opens another
    return opened;
  };
  const attempt = async (text: string, values: readonly unknown[]) => {
    pool ??= connect();
    return (await (await pool).query<Record<string, unknown>>(text, [...values])).rows;
  };
  const ask = async (text: string, values: readonly unknown[]) => {
    try {
      return await attempt(text, values);
    } catch (error) {
      if (codeOf(error) !== tableMissing) throw storeError(error);
    }
    try {
      await attempt(creation(table), []);
      return await attempt(text, values);
    } catch (error) {
      throw storeError(error);
    }
  };
  const statements = statementsFor(table);

  return {
    async claim({ connector, channel }, wanted, repeatMs) {
      const keys = wanted.map(([key]) => key);
      const states = wanted.map(([, state]) => state);
      const mine = await ask(statements.claim, [connector, channel, keys, states, repeatMs, holder, leaseMs]);
      const claimed = new Set(mine.map(({ key }) => key));
      const others = wanted.filter(([key]) => !claimed.has(key));
      const [otherKeys, otherStates] = [others.map(([key]) => key), others.map(([, state]) => state)];
      const found = others.length === 0 ? [] : await ask(statements.look, [connector, channel, otherKeys, otherStates, repeatMs]);
      const rows = new Map(found.map((row) => [row['key'], { waitMs: Number(row['wait_ms']), isTold: row['is_told'] === true }]));
      return keys.map((key): ClaimRow => {
        if (claimed.has(key)) return { key, verdict: 'mine', waitMs: 0 };
        const { waitMs, isTold } = rows.get(key) ?? { waitMs: 0, isTold: false };
        // Who had it may have given it back untold since: then it is asked for again, and never taken for told.
        return waitMs <= 0 && isTold ? { key, verdict: 'told', waitMs: 0 } : { key, verdict: 'busy', waitMs: Math.max(1, waitMs) };
      });
    },
    async settle({ connector, channel }, told, untold) {
      await ask(statements.settle, [connector, channel, told, untold, holder]);
    },
    async takeTurn({ connector, channel }, { messages, perMs }) {
      const [row] = await ask(statements.takeTurn, [connector, channel, messages, perMs]);
      if (row !== undefined) return 0;
      const [next] = await ask(statements.nextTurn, [connector, channel, perMs, messages]);
      return Math.max(1, Math.ceil(Number(next?.['wait_ms'] ?? 1)));
    },
    async silences({ connector, channel }) {
      const rows = await ask(statements.silences, [connector, channel]);
      return rows.map((row) => ({ groupName: textOrNull(row['group_name']), severity: textOrNull(row['severity']) }));
    },
    async close() {
      const opened = pool;
      pool = undefined;
      if (opened !== undefined) await (await opened).end();
    },
  };
}

/** Two that make the tables at the same time would fail, whatever `if not exists` promises: one waits for the other. */
function creation(table: string): string {
  return `
do $$ begin
  perform pg_advisory_xact_lock(hashtext('sluice alert store ${table}'));
  create table if not exists ${table} (
    connector text not null, channel text not null, key text not null,
    state text, pending text, last_sent timestamptz, sending_until timestamptz, holder text, turns timestamptz[],
    primary key (connector, channel, key)
  );
  create table if not exists ${table}_silences (
    id bigint generated always as identity primary key,
    connector text, channel text, group_name text, severity text,
    starts_at timestamptz not null default now(), ends_at timestamptz not null, reason text
  );
end $$`;
}

function statementsFor(table: string) {
  const ms = (parameter: string) => `${parameter}::bigint * interval '1 millisecond'`;
  const recent = `array(select turn from unnest(s.turns) as turn where turn > clock_timestamp() - ${ms('$4')} order by turn)`;
  return {
    claim: `
insert into ${table} as s (connector, channel, key, pending, holder, sending_until)
select $1, $2, key, state, $6, clock_timestamp() + ${ms('$7')} from unnest($3::text[], $4::text[]) as wanted(key, state) order by key
on conflict (connector, channel, key) do update
set pending = excluded.pending, holder = excluded.holder, sending_until = excluded.sending_until
where (s.sending_until is null or s.sending_until <= clock_timestamp())
  and (s.last_sent is null or s.state is distinct from excluded.pending or s.last_sent <= clock_timestamp() - ${ms('$5')})
returning key`,
    look: `
select s.key, extract(epoch from coalesce(s.sending_until, clock_timestamp()) - clock_timestamp()) * 1000 as wait_ms,
  s.last_sent > clock_timestamp() - ${ms('$5')} and s.state is not distinct from wanted.state as is_told
from ${table} as s join unnest($3::text[], $4::text[]) as wanted(key, state) using (key)
where s.connector = $1 and s.channel = $2`,
    settle: `
update ${table} set sending_until = null, holder = null, pending = null,
  state = case when key = any($3) then pending else state end,
  last_sent = case when key = any($3) then clock_timestamp() else last_sent end
where connector = $1 and channel = $2 and (key = any($3) or key = any($4)) and holder = $5`,
    takeTurn: `
insert into ${table} as s (connector, channel, key, turns) values ($1, $2, 'turns', array[clock_timestamp()])
on conflict (connector, channel, key) do update set turns = ${recent} || clock_timestamp()
where cardinality(${recent}) < $3
returning 1`,
    nextTurn: `
select extract(epoch from (turns[greatest(1, cardinality(turns) - $4 + 1)] + ${ms('$3')}) - clock_timestamp()) * 1000 as wait_ms
from ${table} where connector = $1 and channel = $2 and key = 'turns'`,
    silences: `
select group_name, severity from ${table}_silences
where starts_at <= clock_timestamp() and ends_at > clock_timestamp()
  and (connector is null or connector = $1) and (channel is null or channel = $2)`,
  };
}

/** SQLSTATEs that nobody but a person puts right. */
const misconfigured = /^(?:28|3D|3F|42)/;

function storeError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const code = codeOf(error);
  if (code === 'ERR_INVALID_URL')
    return new ConfigError(
      'ALERT_STORE_MISCONFIGURED',
      'Expected the secret of connector.sink.store.url to be a connection string: postgresql://…',
    );
  const said = code !== undefined && /^[A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : '';
  if (code !== undefined && misconfigured.test(code))
    return new ConfigError(
      'ALERT_STORE_MISCONFIGURED',
      `PostgreSQL refused the alert store. Check connector.sink.store.url and table${said}.`,
      {
        unauthorized: code.startsWith('28'),
      },
    );
  return new RetriableError('ALERT_STORE_UNAVAILABLE', `The alert store cannot be asked for now${said}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
