/** Which chain of objects a record belongs to: what one connector makes of one Kafka partition with one configuration. */
export interface Chain {
  readonly connector: string;
  readonly epoch: number;
  readonly configVersion: string;
  readonly topic: string;
  readonly partition: number;
}

/** An object's place in its chain, as its name says. A late object holds one part of one record. */
export interface Place {
  readonly first: number;
  readonly latePart?: number;
}

const digits = 20;

/** What the names of a chain's objects have in common, after their path. No two chains begin alike: neither part can hold a plus sign. */
export function chainName({ connector, epoch, configVersion, topic, partition }: Chain): string {
  return [encodeURIComponent(connector), epoch, configVersion, topic, partition, ''].join('+');
}

/** An offset such that names sort by it. */
export function padded(offset: number): string {
  return String(offset).padStart(digits, '0');
}

/** `PATH/CONNECTOR+EPOCH+CONFIG+TOPIC+PARTITION+OFFSET.EXTENSION`. */
export function objectName(path: string, chain: string, { first, latePart }: Place, extension: string): string {
  return `${path}${path === '' ? '' : '/'}${chain}${padded(first)}${latePart === undefined ? '' : `+late-${latePart}`}${extension}`;
}

/** The place that a name says; undefined for what is none of the chain's objects. */
export function placeOf(name: string, path: string, chain: string, extension: string): Place | undefined {
  const start = `${path}${path === '' ? '' : '/'}${chain}`;
  if (!name.startsWith(start) || !name.endsWith(extension)) return undefined;
  const match = /^(\d{20})(?:\+late-(\d+))?$/.exec(name.slice(start.length, name.length - extension.length));
  if (match === null) return undefined;
  const [, first, latePart] = match;
  return latePart === undefined ? { first: Number(first) } : { first: Number(first), latePart: Number(latePart) };
}
