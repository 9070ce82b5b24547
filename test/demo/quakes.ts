import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A record before it is in Kafka. */
export interface NewRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

interface Feature {
  readonly id: string;
  readonly properties: { readonly updated: number };
}

/** Every earthquake of one week in January and February 2018, as the USGS published it (public domain; from the package vega-datasets). */
export function quakes(): readonly NewRecord[] {
  const { features } = JSON.parse(readFileSync(datasetFile('earthquakes.json'), 'utf8')) as { readonly features: readonly Feature[] };
  return features.map((feature) => ({
    key: feature.id,
    value: Buffer.from(JSON.stringify(feature)),
    timestamp: feature.properties.updated,
  }));
}

/** Records that we made up, each broken in a way that happens: nothing of this is in the feed. */
export function brokenRecords(timestamp: number): readonly NewRecord[] {
  const values: Readonly<Record<string, Uint8Array>> = {
    'one-brace-too-many': Buffer.from('{"id": "made-up-1"}}'),
    'cut-off': Buffer.from('{"type":"Feature","properties":{"mag":4.2,"pla'),
    'not-json': Buffer.from('<quake mag="4.2"/>'),
    'not-utf-8': Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    empty: Buffer.alloc(0),
    'magnitude-in-words': Buffer.from(
      '{"id":"made-up-6","properties":{"mag":"strong","place":"nowhere","time":1517966773840,"updated":1517966996303},"geometry":{"coordinates":[0,0,0]}}',
    ),
  };
  return Object.entries(values).map(([key, value]) => ({ key: `broken-${key}`, value, timestamp }));
}

/** Puts the broken records among the good ones, evenly, so that each sits between neighbours that must go on. */
export function mixed(good: readonly NewRecord[], broken: readonly NewRecord[]): readonly NewRecord[] {
  const distance = Math.max(1, Math.floor(good.length / (broken.length + 1)));
  return good.flatMap((record, index) => {
    const next = (index + 1) % distance === 0 ? broken[(index + 1) / distance - 1] : undefined;
    return next === undefined ? [record] : [record, next];
  });
}

/** A file of the data that the package vega-datasets ships. */
export function datasetFile(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')));
}
