import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { count } from '../../../lib/cli/terminal.ts';
import { portOr } from '../../support/servers/ports.ts';
import { startS3 } from '../../support/servers/s3.ts';
import { type Findings, shortened, type Target } from '../target.ts';
import { type Bucket, openBucket } from './bucket.ts';

/** An S3 server that keeps its objects in the folder. */
export async function lakeTarget(folder: string): Promise<Target> {
  // At the same port each time: names of objects hold the version of the settings, and the endpoint is one of them.
  const server = await startS3({ dataDir: join(folder, 's3'), port: await portOr(19_000) });
  const bucket = openBucket(server, 'lake');
  await bucket.create();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const env = { S3_ENDPOINT: endpoint, LAKE_BUCKET: 'lake', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return {
    connector: 'quakes-to-lake',
    label: `real S3 server (versitygw 1.8.0) on 127.0.0.1:${server.port}`,
    through: 'read with requests that the demo signs itself',
    env,
    look: `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} aws --endpoint-url ${endpoint} s3 ls --recursive s3://lake`,
    readBack: () => quakeObjects(bucket, 'quakes/'),
    stop: server.stop,
  };
}

interface FoundObject {
  readonly name: string;
  readonly bytes: number;
  readonly lines: readonly string[];
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  /** How many records it holds, as its metadata says. */
  readonly count: number;
}

/** The objects with earthquakes, as JSON lines in gzip. */
export async function quakeObjects(bucket: Bucket, prefix: string): Promise<Findings> {
  const names = (await bucket.list()).filter(({ name }) => name.startsWith(prefix) && name.endsWith('.jsonl.gz'));
  const objects: FoundObject[] = [];
  for (const { name, bytes } of names) {
    const { body, headers } = await bucket.read(name);
    const said = (key: string) => headers.get(`x-amz-meta-sluice-${key}`) ?? '';
    const lines = gunzipSync(body).toString().trimEnd().split('\n');
    objects.push({
      ...{ name, bytes, lines, topic: said('topic'), partition: Number(said('partition')), count: Number(said('count')) },
      ...{ first: Number(said('first-offset')), last: Number(said('last-offset')) },
    });
  }
  const total = objects.reduce((sum, { lines }) => sum + lines.length, 0);
  const [example] = objects.toSorted((a, b) => b.bytes - a.bytes);
  const what = `lines in ${count(objects.length)} objects`;
  if (example === undefined) return { what, total, different: 0, lines: [] };
  return {
    ...{ what, total, different: total - repeated(objects) },
    lines: [
      ['the largest', example.name],
      ['', `${count(example.bytes)} bytes, ${count(example.lines.length)} lines`],
      ['one line', shortened(example.lines[0] ?? '')],
      ['from', `${example.topic}-${example.partition}@${example.first} to @${example.last}, as the metadata of its object says`],
    ],
  };
}

/** Records that more than one object of a directory says it holds, or that an object says it holds and does not. */
function repeated(objects: readonly FoundObject[]): number {
  const chains = Map.groupBy(objects, ({ name, topic, partition }) => `${name.slice(0, name.lastIndexOf('/'))} ${topic}-${partition}`);
  let more = 0;
  for (const chain of chains.values()) {
    let covered = -1;
    for (const { name, first, last, lines, count: said } of chain.toSorted((a, b) => a.first - b.first)) {
      if (first <= covered && !name.includes('+late-')) more += Math.min(lines.length, covered - first + 1);
      more += Math.abs(lines.length - said);
      covered = Math.max(covered, last);
    }
  }
  return more;
}
