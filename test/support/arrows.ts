import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

export interface Violation {
  /** Where the import stands, as `lib/core/x.ts:3`. */
  readonly at: string;
  readonly specifier: string;
  readonly reason: string;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typesOnly: boolean;
}

interface Rule {
  /** Other rooms that a file of this room may import. Its own room is always allowed unless `apart` is set. */
  readonly to: readonly string[];
  /** Rooms it may know by type only. */
  readonly typesFrom?: readonly string[];
  /** Each file stands alone, or with the folder that carries its name. */
  readonly apart?: boolean;
  /** The only npm packages allowed; any when left out. */
  readonly packages?: readonly string[];
  /** Whether it may reach the disk, the network or other processes. */
  readonly inputOutput?: false;
}

const rooms: Readonly<Record<string, Rule>> = {
  'lib/core': { to: [], packages: ['typebox'], inputOutput: false },
  'lib/sinks': { to: ['lib/core', 'lib/clients'], apart: true },
  'lib/sources': { to: ['lib/core', 'lib/clients'], apart: true },
  'lib/formats': { to: ['lib/core'] },
  'lib/transforms': { to: ['lib/core'] },
  'lib/clients': { to: ['lib/core'] },
  'lib/platforms': { to: ['lib/core', 'lib/clients'], typesFrom: ['lib/connect.ts', 'lib/compose.ts'] },
  'lib/compose.ts': { to: ['lib/core', 'lib/formats', 'lib/transforms', 'lib/clients'], typesFrom: ['lib/sinks'] },
  'lib/connect.ts': {
    to: ['lib/core', 'lib/compose.ts', 'lib/formats', 'lib/transforms', 'lib/platforms/lambda'],
    typesFrom: ['lib/sinks'],
  },
  'lib/testing.ts': { to: ['lib/core', 'lib/compose.ts'] },
  'lib/serve.ts': { to: ['lib/core', 'lib/compose.ts', 'lib/platforms'] },
  'lib/plugin': { to: ['lib/core', 'lib/platforms'] },
  'lib/control': { to: ['lib/core', 'lib/platforms'] },
  'lib/dashboard': { to: ['lib/core', 'lib/platforms'] },
  'lib/cli': { to: ['lib'] },
  functions: { to: ['lib/connect.ts', 'lib/sinks', 'lib/formats', 'lib/transforms'] },
};

const kafkaPackages = ['kafkajs', 'kafkajs-snappy-typescript', 'lz4-napi', 'aws-msk-iam-sasl-signer-js'];
const inputOutput = /^node:(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|readline|repl|tls|worker_threads)(\/|$)/;

/** Every import under `lib` and `functions` of the tree that points the wrong way, judged by where it resolves to. */
export async function findViolations(root: string): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for await (const found of glob(['lib/**/*.ts', 'lib/**/*.js', 'functions/**/*.ts'], { cwd: root })) {
    const file = found.split(sep).join('/');
    for (const imported of readImports(await readFile(join(root, file), 'utf8'))) {
      const reason = judge(file, imported, root);
      if (reason) violations.push({ at: `${file}:${imported.line}`, specifier: imported.specifier, reason });
    }
  }
  return violations;
}

function judge(file: string, { specifier, typesOnly }: Import, root: string): string | undefined {
  const room = roomOf(file);
  const rule = room === undefined ? undefined : rooms[room];
  if (room === undefined || !rule) return `${file} is in no known room: add the room and its arrows to test/support/arrows.ts`;
  const target = resolveSource(file, specifier, root);
  if (target === undefined) return judgePackage(room, rule, specifier);
  if (within(target, 'functions')) return 'nobody imports functions';
  if (within(target, 'lib/cli') && room !== 'lib/cli') return 'nobody imports the command line';
  if (within(target, room)) return rule.apart && !belongTogether(file, target) ? `files of ${room} do not know each other` : undefined;
  if (rule.to.some((allowed) => within(target, allowed))) return undefined;
  if (rule.typesFrom?.some((allowed) => within(target, allowed)))
    return typesOnly ? undefined : `${room} may import only types from ${target}`;
  return `${room} must not import ${target}`;
}

function judgePackage(room: string, rule: Rule, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return rule.inputOutput === false && inputOutput.test(specifier) ? `${room} does no I/O` : undefined;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (kafkaPackages.includes(name) && room !== 'lib/clients') return 'only lib/clients imports Kafka libraries';
  return rule.packages && !rule.packages.includes(name) ? `${room} may use no package but ${rule.packages.join(', ')}` : undefined;
}

/** The path, from the root, of the source that an import means; undefined for packages and Node's own modules. */
function resolveSource(file: string, specifier: string, root: string): string | undefined {
  if (specifier.startsWith('.'))
    return relative(root, resolve(root, dirname(file), specifier))
      .split(sep)
      .join('/');
  if (specifier === 'sluice') return 'lib/connect.ts';
  if (specifier === 'sluice/package.json') return undefined;
  return specifier.startsWith('sluice/') ? `lib/${specifier.slice('sluice/'.length)}.ts` : undefined;
}

function roomOf(file: string): string | undefined {
  return Object.keys(rooms).find((room) => within(file, room));
}

function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

// lib/sinks/postgres.ts and lib/sinks/postgres/columns.ts are one sink.
function belongTogether(one: string, other: string): boolean {
  return stem(one) === stem(other);
}

function stem(path: string): string | undefined {
  return path.split('/')[2]?.replace(/\.ts$/, '');
}

const statement =
  /^[ \t]*(?:import|export)\b([^;'"`]*?)\bfrom\s*['"]([^'"]+)['"]|^[ \t]*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

function readImports(text: string): Import[] {
  return [...text.matchAll(statement)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? '',
    line: text.slice(0, match.index).split('\n').length,
    typesOnly: match[1] !== undefined && isTypesOnly(match[1].trim()),
  }));
}

function isTypesOnly(clause: string): boolean {
  if (/^type\b/.test(clause)) return true;
  const names = /^\{([^}]*)\}$/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
}
