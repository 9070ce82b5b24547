import { isSteady } from '../../core/calendar.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { router } from '../../core/route.ts';
import { parseTemplate } from '../../core/template.ts';
import { type TimeSource, timeReader } from './time.ts';

export interface PathOptions {
  readonly path: string;
  readonly time: TimeSource;
  readonly timeZone: string;
  readonly allow: readonly string[];
  readonly maxTargets: number;
}

/** Where a record goes below the bucket. Throws a DataError where it has no say in that, or no time. */
export type PathOf = (record: KafkaRecord) => string;

export interface Paths {
  /** For the records of one partition that are written together, which share one processing time. */
  forPartition(): PathOf;
  /** What all names begin with: the path up to the last slash before its first placeholder. */
  readonly directory: string;
  /** The time that paths go by. */
  readonly timeOf: (record: KafkaRecord) => number;
}

const optionPath = 'connector.sink.path';
/** A store allows 1,023 bytes for a whole name, of which the longest topic and connector take some. */
const maxPathBytes = 600;

/** Reads the options that make up paths. Throws a ConfigError that names the one at fault. */
export function openPaths({ path, time, timeZone, allow, maxTargets }: PathOptions, now: () => number): Paths {
  let processingTime = 0;
  const timeOf = timeReader(time, () => processingTime);
  const template = parseTemplate(path, optionPath, { timeZone, timeOf });
  const depth = slashes(path);
  let isTarget = false;
  const valid = (name: string): true | string =>
    isTarget || slashes(name) === depth ? isPath(name) : 'a path to which it adds no slashes';
  const route = router({ path: optionPath, template, allow, maxTargets, counts: 'choices', valid, now });
  const checked: PathOf = (record) => {
    isTarget = record.target !== undefined;
    return route(record);
  };
  const { stableMs, literalPrefix, constant } = template;
  return {
    timeOf,
    directory: constant === undefined ? literalPrefix.slice(0, literalPrefix.lastIndexOf('/') + 1) : `${constant}/`,
    forPartition() {
      processingTime = now();
      const at = processingTime;
      const pathOf: PathOf = (record) => {
        processingTime = at;
        return checked(record);
      };
      return stableMs === undefined ? pathOf : steadily(pathOf, stableMs, timeOf);
    },
  };
}

/** The records of a partition mostly share a path with the one before. */
function steadily(pathOf: PathOf, stableMs: number, timeOf: (record: KafkaRecord) => number): PathOf {
  let lastUnit = Number.NaN;
  let lastPath = '';
  return (record) => {
    if (record.target !== undefined) return pathOf(record);
    const time = timeOf(record);
    const unit = stableMs === Number.POSITIVE_INFINITY ? 0 : Math.floor(time / stableMs);
    if (unit === lastUnit && (stableMs === Number.POSITIVE_INFINITY || isSteady(time))) return lastPath;
    lastPath = pathOf(record);
    lastUnit = unit;
    return lastPath;
  };
}

function isPath(name: string): true | string {
  if (/^\/|\/\/|\/$/.test(name)) return 'a path without empty parts';
  if (/(?:^|\/)_sluice(?:\/|$)/.test(name)) return 'a path outside of _sluice, where the sink keeps its own marks';
  return Buffer.byteLength(name) <= maxPathBytes ? true : `a path of at most ${maxPathBytes} bytes`;
}

function slashes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) count++;
  return count;
}
