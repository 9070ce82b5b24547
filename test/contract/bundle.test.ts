import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Bundle, bundleFunction, functionFiles } from '../support/bundle.ts';

/** Packages that only one sink has a use for. */
const packages: Readonly<Record<string, readonly string[]>> = {
  postgres: ['pg', 'pg-copy-streams', 'pg-pool', 'pg-protocol', 'pg-types'],
  elasticsearch: ['@elastic/elasticsearch', '@elastic/transport', 'undici'],
  'object-storage': ['@aws-sdk/client-s3', '@aws-sdk/middleware-sdk-s3'],
};

/** Sources of the bundle that belong to another sink than this. */
function foreignTo(sink: string, { eager, lazy }: Bundle): string[] {
  const foreignPackages = Object.entries(packages).flatMap(([name, own]) => (name === sink ? [] : own));
  return [...eager.sources, ...lazy.sources].filter((source) => {
    const ofSinks = /^lib\/sinks\/([^/]+?)(?:\.ts$|\/)/.exec(source)?.[1];
    return (ofSinks !== undefined && ofSinks !== sink) || foreignPackages.some((name) => isOf(name, source));
  });
}

function isOf(name: string, source: string): boolean {
  return source.startsWith(`node_modules/${name}/`) || source.includes(`/node_modules/${name}/`);
}

const bundles = new Map<string, Promise<Bundle>>();

function bundleOf(file: string): Promise<Bundle> {
  const bundle = bundles.get(file) ?? bundleFunction(file);
  bundles.set(file, bundle);
  return bundle;
}

describe('the bundle of a function', () => {
  it.each(functionFiles())('%s holds its own sink and nothing of the others', async (file) => {
    const sink = /from 'sluice\/sinks\/([\w-]+)'/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const bundle = await bundleOf(file);
    expect(bundle.eager.sources).toContain(`lib/sinks/${sink}.ts`);
    expect(foreignTo(sink, bundle)).toEqual([]);
  });

  it.each(functionFiles())('%s reads no Kafka client and no AWS client as it starts', async (file) => {
    const { eager, lazy } = await bundleOf(file);
    const isClient = (source: string) => ['kafkajs', '@aws-sdk', '@smithy'].some((name) => isOf(name, source));
    expect(eager.sources.filter(isClient)).toEqual([]);
    expect(lazy.sources.filter(isClient)).not.toEqual([]);
  });

  it('would be noticed to hold another sink', async () => {
    const bundle = await bundleOf('functions/quakes-to-postgres.ts');
    expect(foreignTo('console', bundle)).toEqual(expect.arrayContaining(['lib/sinks/postgres.ts', 'node_modules/pg/lib/client.js']));
  });
});
