/** What was read back from a target. */
export interface Findings {
  /** What was counted there, e.g. `rows in quakes`. */
  readonly what: string;
  readonly total: number;
  /** How many different records of Kafka they came from, as the target itself says. */
  readonly different: number;
  /** An example and where it came from, under their captions. */
  readonly lines: readonly (readonly [caption: string, text: string])[];
}

/** A place that a connector of serverless.yml writes to. */
export interface Target {
  readonly connector: string;
  /** What it is and where, as the demo says it: `real Elasticsearch 9.5.3 on 127.0.0.1:19200`. */
  readonly label: string;
  /** How it is read back, with another client than the sink's: `read with SQL`. */
  readonly through: string;
  /** Whether it forgets what it has when the demo ends. */
  readonly forgets?: boolean;
  /** What serverless.yml takes from the environment to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** The command that shows more of it, where there is one that people have. */
  readonly look?: string;
  readBack(): Promise<Findings>;
  stop(): Promise<void>;
}

const longest = 150;

/** A text on one line, cut where it would fill the screen. */
export function shortened(text: string, characters = longest): string {
  const line = text.replace(/\s*\n\s*/g, ' ');
  return line.length > characters ? `${line.slice(0, characters)} …` : line;
}

/** How many different texts there are. */
export function differentOf(texts: Iterable<string>): number {
  return new Set(texts).size;
}
