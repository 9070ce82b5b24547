import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Bundle, bundleFunction, functionFiles } from '../support/bundle.ts';

/** Packages by the sinks that have a use for them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  pg: ['postgres', 'alert'],
  'pg-pool': ['postgres', 'alert'],
  'pg-protocol': ['postgres', 'alert'],
  'pg-types': ['postgres', 'alert'],
  'pg-copy-streams': ['postgres'],
  '@elastic/elasticsearch': ['elasticsearch'],
  '@elastic/transport': ['elasticsearch'],
  undici: ['elasticsearch', 'webhook', 'alert'],
  nodemailer: ['alert'],
  '@aws-sdk/client-s3': ['object-storage'],
  '@aws-sdk/middleware-sdk-s3': ['object-storage'],
};

/** Sources of the bundle that belong to another sink than this. */
function foreignTo(sink: string, { eager, lazy }: Bundle): string[] {
  const foreignPackages = Object.keys(packages).filter((name) => packages[name]?.includes(sink) === false);
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

  it('of alert reads neither the mail client nor the client of its memory as it starts', async () => {
    const { eager, lazy } = await bundleOf('functions/quakes-to-oncall.ts');
    const isLater = (source: string) => ['pg', 'nodemailer'].some((name) => isOf(name, source));
    expect(eager.sources.filter(isLater)).toEqual([]);
    expect(lazy.sources.filter(isLater)).not.toEqual([]);
  });

  it('would be noticed to hold another sink', async () => {
    const bundle = await bundleOf('functions/quakes-to-postgres.ts');
    expect(foreignTo('console', bundle)).toEqual(expect.arrayContaining(['lib/sinks/postgres.ts', 'node_modules/pg/lib/client.js']));
  });
});
