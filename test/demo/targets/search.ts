import { join } from 'node:path';
import { isObject } from '../../../lib/core/field.ts';
import { startElasticsearch } from '../../support/servers/elasticsearch.ts';
import { portOr } from '../../support/servers/ports.ts';
import { differentOf, type Findings, shortened, type Target } from '../target.ts';

/** An Elasticsearch that keeps its documents in the folder. */
export async function searchTarget(folder: string): Promise<Target> {
  const { node, port, stop } = await startElasticsearch({ dataDir: join(folder, 'elasticsearch'), port: await portOr(19_200) });
  return {
    connector: 'quakes-to-search',
    label: `real Elasticsearch 9.5.3 on 127.0.0.1:${port}`,
    through: 'read over its REST API, with fetch',
    env: { ELASTICSEARCH_URL: node },
    look: `curl '${node}/quakes/_search?q=place:taiwan&pretty'`,
    readBack: () => quakeDocuments(node, 'quakes'),
    stop,
  };
}

interface Hit {
  readonly _id: string;
  readonly _source: { readonly _sluice: { readonly topic: string; readonly partition: number; readonly offset: number } };
}

const page = 1_000;

/** The documents of an index with earthquakes. */
export async function quakeDocuments(node: string, index: string): Promise<Findings> {
  await ask(`${node}/${index}/_refresh`, {});
  const { count } = await ask<{ count: number }>(`${node}/${index}/_count`, { query: { match_all: {} } });
  const places: string[] = [];
  const stamps = { size: page, _source: ['_sluice'], sort: [{ '_sluice.partition': 'asc' }, { '_sluice.offset': 'asc' }] };
  for (let after: unknown; ; ) {
    const hits = await found<Hit & { readonly sort: unknown }>(node, index, {
      ...stamps,
      ...(after === undefined ? {} : { search_after: after }),
    });
    places.push(...hits.map(placeOf));
    after = hits.at(-1)?.sort;
    if (hits.length < page) break;
  }
  const [strongest] = await found<Hit>(node, index, { size: 1, sort: [{ mag: 'desc' }], query: { match: { type: 'earthquake' } } });
  if (strongest === undefined) return { what: `documents in ${index}`, total: count, different: differentOf(places), lines: [] };
  const { _sluice, ...fields } = strongest._source;
  return {
    ...{ what: `documents in ${index}`, total: count, different: differentOf(places) },
    lines: [
      ['one of them', `_id=${strongest._id}  ${shortened(JSON.stringify(fields))}`],
      ['from', `${placeOf(strongest)}, in its field _sluice`],
    ],
  };
}

function placeOf({ _source: { _sluice } }: Hit): string {
  return `${_sluice.topic}-${_sluice.partition}@${_sluice.offset}`;
}

async function found<Document>(node: string, index: string, search: object): Promise<readonly Document[]> {
  const { hits } = await ask<{ hits: { hits: readonly Document[] } }>(`${node}/${index}/_search`, search);
  return hits.hits;
}

async function ask<Answer>(url: string, body: object): Promise<Answer> {
  const text = Object.keys(body).length === 0 ? {} : { body: JSON.stringify(body) };
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, ...text });
  const answer: unknown = await response.json();
  if (!response.ok || !isObject(answer)) throw new Error(`Expected ${url} to answer, got status ${response.status}.`);
  return answer as Answer;
}
