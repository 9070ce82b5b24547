import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../lib/core/config.ts';
import { ConfigError, DataError } from '../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import type { Sink, Unsent } from '../../../lib/core/sink.ts';
import { objectStorage } from '../../../lib/sinks/object-storage.ts';
import { lake } from '../../support/lake.ts';
import { type MemoryObjectStore, memoryObjectStore } from '../../support/memory-object-store.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();
const hour = 3_600_000;
const morning = Date.UTC(2026, 2, 4, 5, 30);

const quake = (
  offset: number,
  { value = { n: offset }, ...rest }: { value?: unknown; timestamp?: number; part?: number; partition?: number } = {},
) => record('k', value, { topic: 'quakes', partition: 3, offset, timestamp: morning + offset, raw: true, ...rest });
const write = (sink: Sink, records: readonly KafkaRecord[], unsent: readonly Unsent[] = []) =>
  sink.write(records, { signal, unsent: () => unsent });
const rejectedAt = (offset: number): Unsent => ({
  origin: { topic: 'quakes', partition: 3, offset },
  timestamp: morning + offset,
  why: 'rejected',
});
const text = (store: MemoryObjectStore, name: string) => Buffer.from(store.objects.get(name)?.body ?? []).toString();
const only = (store: MemoryObjectStore) => {
  const [name, ...others] = store.objects.keys();
  expect(others).toEqual([]);
  return name ?? '';
};
const problems = (options: object) => {
  const { value, problems: first } = readConfig(objectStorage.config, { bucket: 'lake', ...options }, 'connector.sink');
  return [...first, ...(first.length > 0 ? [] : (objectStorage.check?.(value) ?? []))].map(({ path, message }) => `${path}: ${message}`);
};

describe('names and metadata', () => {
  it('say which connector, configuration, topic, partition and offsets an object holds', async () => {
    const store = memoryObjectStore();
    await write(lake(store, { path: 'raw/{topic}' }), [quake(7), quake(8), quake(11)], [rejectedAt(9)]);
    const name = 'raw/quakes/to-lake+0+c0ffee00+quakes+3+00000000000000000007.jsonl';
    expect(only(store)).toBe(name);
    expect(text(store, name)).toBe('{"n":7}\n{"n":8}\n{"n":11}\n');
    expect(store.objects.get(name)).toMatchObject({
      contentType: 'application/x-ndjson',
      metadata: {
        'sluice-topic': 'quakes',
        'sluice-partition': '3',
        'sluice-epoch': '0',
        'sluice-first-offset': '7',
        'sluice-last-offset': '11',
        'sluice-first-timestamp': String(morning + 7),
        'sluice-last-timestamp': String(morning + 11),
        'sluice-count': '3',
        'sluice-rejected': '9',
      },
    });
  });

  it('ends an object before its rejected offsets outgrow a kilobyte', async () => {
    const store = memoryObjectStore();
    const offsets = Array.from({ length: 600 }, (_, n) => 1_000_000 + n);
    const records = offsets.filter((offset) => offset % 2 === 0).map((offset) => quake(offset));
    await write(lake(store, {}), records, offsets.filter((offset) => offset % 2 === 1).map(rejectedAt));
    expect(store.objects.size).toBe(3);
    const lengths = [...store.objects.values()].map(({ metadata }) => metadata['sluice-rejected']?.length ?? 0);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_024);
    expect([...store.objects.values()].map(({ body }) => Buffer.from(body).toString()).join('')).toBe(
      records.map(({ value }) => `${JSON.stringify(value)}\n`).join(''),
    );
  });

  it('never cuts between the parts of a record, nor at a piece of a batch', async () => {
    const store = memoryObjectStore();
    const parts = [0, 1, 2].map((part) => quake(5, { part, value: { part } }));
    await write(lake(store, { maxRecords: 2 }), [quake(4), ...parts, quake(6)]);
    expect([...store.objects.values()].map(({ metadata }) => metadata['sluice-count'])).toEqual(['4', '1']);
    expect(objectStorage.limits(readConfig(objectStorage.config, { bucket: 'lake' }, '').value).records).toBeGreaterThan(1e9);
  });
});

describe('what is there already', () => {
  it('skips what an object covers and writes the remainder under its own first offset', async () => {
    const store = memoryObjectStore();
    await write(lake(store, {}), [quake(1), quake(2), quake(3)]);
    expect(await write(lake(store, {}), [quake(2), quake(3), quake(4)])).toEqual(['delivered', 'delivered', 'delivered']);
    expect([...store.objects.keys()].map((name) => Number(name.slice(-26, -6)))).toEqual([1, 4]);
  });

  it('looks back over a span of compacted offsets', async () => {
    const store = memoryObjectStore();
    await write(lake(store, {}), [quake(1), quake(700_000)]);
    await write(lake(store, {}), [quake(700_000), quake(700_001)]);
    expect(store.objects.size).toBe(2);
  });

  it('makes no object span another, of whose records none is left in Kafka', async () => {
    const store = memoryObjectStore();
    const sink = lake(store, {});
    await write(sink, [quake(5), quake(6)]);
    await write(sink, [quake(4), quake(9)]);
    await write(sink, [quake(9)]);
    expect([...store.objects.values()].map(({ metadata }) => metadata['sluice-count'])).toEqual(['2', '1', '1']);
  });

  it('writes a record that can be decoded at last as a late object, once', async () => {
    const store = memoryObjectStore();
    await write(lake(store, {}), [quake(1), quake(3)], [rejectedAt(2)]);
    const late = 'quakes/to-lake+0+c0ffee00+quakes+3+00000000000000000002+late-0.jsonl';
    await write(lake(store, {}), [quake(1), quake(2), quake(3)]);
    await write(lake(store, {}), [{ ...quake(2), origin: { topic: 'quakes.dlq', partition: 0, offset: 0 } }]);
    expect(store.objects.size).toBe(2);
    expect(text(store, late)).toBe('{"n":2}\n');
  });

  it('stops at the same offset with another timestamp', async () => {
    const store = memoryObjectStore();
    await write(lake(store, {}), [quake(1), quake(2)]);
    for (const records of [[quake(1, { timestamp: 5 })], [quake(0), quake(1, { timestamp: 5 })], [quake(2, { timestamp: 5 }), quake(3)]]) {
      const outcomes = await write(lake(store, {}), [...records, quake(0, { partition: 4 })]);
      expect(outcomes[0]).toMatchObject({ class: 'config', code: 'GUARD_AHEAD' });
      expect(outcomes[0]).toBeInstanceOf(ConfigError);
      expect(outcomes.at(-1)).toBe('delivered'); // another partition goes on
    }
    expect((await write(lake(store, {}), [{ ...quake(1), version: { ...quake(1).version, epoch: 1 } }]))[0]).toBe('delivered');
  });

  it('writes again rather than not at all when there are more records now than an object has', async () => {
    const store = memoryObjectStore();
    await write(lake(store, {}), [quake(1), quake(3)]);
    await write(lake(store, {}), [quake(1), quake(2), quake(3)]);
    const lines = [...store.objects.values()].map(({ body }) => Buffer.from(body).toString()).join('');
    expect(lines).toContain('{"n":2}');
  });

  it('stops at an object by its name that says nothing of its records', async () => {
    const store = memoryObjectStore();
    const name = 'quakes/to-lake+0+c0ffee00+quakes+3+00000000000000000001.jsonl';
    await store.put(name, new Uint8Array(), { contentType: 'text/plain', metadata: {} }, { signal });
    expect((await write(lake(store, {}), [quake(1)]))[0]).toMatchObject({ code: 'OBJECT_UNKNOWN' });
  });
});

describe('paths', () => {
  it.each([
    [{ path: 'p/{timestamp:yyyy/MM/dd/HH}' }, 'p/2026/03/04/05'],
    [{ path: 'dt={timestamp:yyyy-MM-dd}/hour={timestamp:HH}', timeZone: 'Asia/Kathmandu' }, 'dt=2026-03-04/hour=11'],
    [{ path: '{timestamp:yyyy-MM-dd}', timeZone: 'America/Los_Angeles' }, '2026-03-03'],
    [{ path: '{timestamp:yyyy}', time: { field: 'at', unit: 's' } }, '2001'],
    [{ path: '{timestamp:yyyy}', time: { field: 'day' } }, '1999'],
    [{ path: 'type={value.type}/{topic}-{partition}', allow: ['type=*'] }, 'type=quake/quakes-3'],
  ])('%j lead to %s', async (options, path) => {
    const store = memoryObjectStore();
    await write(lake(store, options), [quake(1, { timestamp: morning, value: { at: 1_000_000_000, day: '1999-12-31', type: 'quake' } })]);
    expect(only(store).startsWith(`${path}/to-lake+`)).toBe(true);
  });

  it('keeps paths of one partition apart and follows times that go back and forth', async () => {
    const store = memoryObjectStore();
    const times = [0, 1, 0, 25, 1].map((hours) => morning + hours * hour);
    await write(
      lake(store, { path: '{timestamp:dd-HH}', timeZone: 'Asia/Kolkata' }),
      times.map((timestamp, offset) => quake(offset, { timestamp })),
    );
    const counts = [...store.objects].map(([name, { metadata }]) => [name.split('/')[0], metadata['sluice-count']]);
    expect(counts).toEqual([
      ['04-11', '2'],
      ['04-12', '2'],
      ['05-12', '1'],
    ]);
  });

  it('refuses what a record may not choose, and goes on', async () => {
    const store = memoryObjectStore();
    const sink = lake(store, { path: 'type={value.type}/{timestamp:HH}', allow: ['type=*'], maxTargets: 2 });
    const types = ['a', '../x', 'b/c', 'b', 'c', 7, null];
    const outcomes = await write(
      sink,
      types.map((type, offset) => quake(offset, { value: { type }, timestamp: morning + offset * hour })),
    );
    expect(outcomes.map((outcome) => (outcome instanceof DataError ? outcome.code : outcome))).toEqual([
      ...['delivered', 'TARGET_INVALID', 'TARGET_INVALID', 'delivered', 'TOO_MANY_TARGETS', 'TOO_MANY_TARGETS', 'NAME_UNRESOLVED'],
    ]);
    expect(store.objects.size).toBe(2);
  });

  it('leaves the marks of closed hours to themselves', async () => {
    const chosen = { ...quake(1), target: 'lake/_sluice/closed/2026-03-04' };
    const [outcome] = await write(lake(memoryObjectStore(), { path: 'lake', allow: ['lake/*'] }), [chosen]);
    expect(outcome).toMatchObject({ code: 'TARGET_INVALID' });
  });
});

describe('what costs no more than it has to', () => {
  it('a path that is written to again takes one listing, however far back its last object begins', async () => {
    const store = memoryObjectStore();
    const sink = lake(store, {});
    await write(sink, [quake(1_000_000), quake(1_050_000)]);
    store.requests.length = 0;
    expect(await write(sink, [quake(1_050_000), quake(1_050_001)])).toEqual(['delivered', 'delivered']);
    expect(await write(sink, [quake(1_050_002)])).toEqual(['delivered']);
    expect(store.requests.map(({ operation }) => operation)).toEqual(['list', 'create', 'list', 'create']);
    expect([...store.objects.values()].map(({ metadata }) => metadata['sluice-count'])).toEqual(['2', '1', '1']);
  });

  it('what another process wrote meanwhile is found all the same', async () => {
    const store = memoryObjectStore();
    const [one, other] = [lake(store, {}), lake(store, {})];
    await write(one, [quake(1), quake(2)]);
    await write(other, [quake(3), quake(4), quake(5)]);
    expect(await write(one, [quake(4), quake(5), quake(6)])).toEqual(['delivered', 'delivered', 'delivered']);
    expect([...store.objects.values()].map(({ metadata }) => metadata['sluice-count'])).toEqual(['2', '3', '1']);
  });

  it('a batch in which nothing can be written is answered in a time that grows with it, not faster', async () => {
    const records = Array.from({ length: 20_000 }, (_, offset) => record('k', { offset }, { offset }));
    const before = performance.now();
    const outcomes = await write(lake(memoryObjectStore(), { format: 'raw' }), records);
    expect(outcomes.every((outcome) => outcome instanceof DataError)).toBe(true);
    expect(performance.now() - before).toBeLessThan(20_000); // about one; minutes where it takes the square of the records
  }, 30_000);
});

describe('formats', () => {
  const headers = [{ key: 'h', value: Buffer.from([0xff]) }];
  const values = [
    { a: 'x,"y"', b: null, c: { d: 1 } },
    { a: '', b: 12345678901234567890n },
  ];
  const records = values.map((value, offset) => ({ ...quake(offset, { value: {} }), value, bytes: undefined, headers, timestamp: 9 }));
  it.each([
    [{ format: 'json-array' }, '.json', '[\n{"a":"x,\\"y\\"","b":null,"c":{"d":1}},\n{"a":"","b":12345678901234567890}\n]\n'],
    [
      { envelope: ['metadata', 'key', 'headers'] },
      '.jsonl',
      values
        .map(
          (_, n) =>
            `{"topic":"quakes","partition":3,"offset":${n},"epoch":0,"part":0,"timestamp":9,"key":"k","headers":[{"key":"h","base64":"/w=="}],"value":${['{"a":"x,\\"y\\"","b":null,"c":{"d":1}}', '{"a":"","b":12345678901234567890}'][n]}}\n`,
        )
        .join(''),
    ],
    [
      { format: 'csv', csv: { columns: ['a', 'b', { name: 'deep', field: 'c.d' }] }, envelope: ['key'] },
      '.csv',
      '_key,a,b,deep\nk,"x,""y""",,1\nk,"",12345678901234567890,\n',
    ],
  ])('%j write objects that end in %s', async (options, extension, expected) => {
    const store = memoryObjectStore();
    await write(lake(store, options), records);
    expect(only(store)).toMatch(new RegExp(`\\d{20}\\${extension}$`));
    expect(text(store, only(store))).toBe(expected);
  });

  it('pass JSON on as it came, on one line', async () => {
    const store = memoryObjectStore();
    const bytes = Buffer.from('{\r\n  "n": 1.50,\n "s": "\\n"}\n');
    await write(lake(store, {}), [{ ...quake(1), bytes }, quake(2)]);
    expect(text(store, only(store))).toBe('{    "n": 1.50,  "s": "\\n"} \n{"n":2}\n');
  });

  it.each([
    ['newline', 'ab\ncd\n'],
    ['none', 'abcd'],
    ['length', '\0\0\0\u0002ab\0\0\0\u0002cd'],
  ])('raw bytes with framing %s', async (framing, expected) => {
    const store = memoryObjectStore();
    const raw = [Buffer.from('ab'), 'cd'].map((value, offset) => ({ ...quake(offset), value, bytes: undefined }));
    await write(lake(store, { format: 'raw', framing }), raw);
    expect(text(store, only(store))).toBe(expected);
  });

  it('refuse what they cannot say, and note it', async () => {
    const store = memoryObjectStore();
    const odd = { ...quake(2), bytes: undefined, value: { n: Number.NaN } };
    const outcomes = await write(lake(store, {}), [quake(1), odd, quake(3)]);
    expect(outcomes[1]).toMatchObject({ class: 'data', code: 'VALUE_NOT_JSON' });
    expect(store.objects.get(only(store))?.metadata['sluice-rejected']).toBe('2.0');
    const lines = await write(lake(memoryObjectStore(), { format: 'raw' }), [
      { ...odd, value: 'a\nb' },
      { ...odd, value: 7 },
    ]);
    expect(lines.map((outcome) => outcome instanceof DataError && outcome.code)).toEqual(['VALUE_HOLDS_NEWLINE', 'VALUE_NOT_BYTES']);
  });

  it.each([
    ['gzip', '.jsonl.gz', gunzipSync],
    ['zstd', '.jsonl.zst', zstdDecompressSync],
  ])('compress with %s', async (compression, extension, decompress) => {
    const store = memoryObjectStore();
    await write(lake(store, { compression, compressionLevel: 3 }), [quake(1)]);
    const name = only(store);
    expect(name.endsWith(extension)).toBe(true);
    expect(decompress(store.objects.get(name)?.body ?? new Uint8Array()).toString()).toBe('{"n":1}\n');
  });

  it('ignore tombstones unless they are wanted', async () => {
    const store = memoryObjectStore();
    expect(await write(lake(store, {}), [record('k', null)])).toEqual(['ignored']);
    await write(lake(store, { tombstones: 'write', envelope: ['key'] }), [record('k', null)]);
    expect(text(store, only(store))).toBe('{"key":"k","value":null}\n');
  });
});

describe('closed hours', () => {
  const closed = { every: 'hour', name: 'p/{timestamp:yyyy/MM/dd/HH}/_SUCCESS', partitions: 2, content: 'manifest' };
  const options = { path: 'p/{timestamp:yyyy/MM/dd/HH}', closed };
  const late = morning + 5 * hour;
  const done = (store: MemoryObjectStore) => [...store.objects.keys()].filter((name) => name.endsWith('_SUCCESS')).sort();
  const at = (offset: number, partition: number, hours: number) => quake(offset, { partition, timestamp: morning + hours * hour });

  it('are told when every partition is past them, whichever function gets there', async () => {
    const store = memoryObjectStore();
    const someFunction = () => lake(store, options, { now: () => late });
    await write(someFunction(), [at(1, 0, 0), at(1, 1, 0)]);
    await write(someFunction(), [at(2, 0, 1)]);
    expect(done(store)).toEqual([]);
    await write(someFunction(), [at(2, 1, 2)]);
    expect(done(store)).toEqual(['p/2026/03/04/05/_SUCCESS']);
    const manifest = JSON.parse(text(store, 'p/2026/03/04/05/_SUCCESS')) as { objects: string[] };
    expect(manifest.objects).toEqual([...store.objects.keys()].filter((name) => name.startsWith('p/2026/03/04/05/to-lake')));
    await write(someFunction(), [at(3, 0, 2)]);
    expect(done(store)).toEqual(['p/2026/03/04/05/_SUCCESS', 'p/2026/03/04/06/_SUCCESS']);
  });

  it('do not count a partition twice when the epoch is raised within an hour', async () => {
    const store = memoryObjectStore();
    const raised = (each: KafkaRecord) => ({ ...each, version: { ...each.version, epoch: 1 } });
    const sink = lake(store, options, { now: () => late });
    await write(sink, [at(1, 0, 0), at(2, 0, 1)]);
    await write(sink, [at(1, 0, 0), at(2, 0, 1)].map(raised));
    expect(done(store)).toEqual([]);
    await write(sink, [at(1, 1, 0), at(2, 1, 1)].map(raised));
    expect(done(store)).toEqual(['p/2026/03/04/05/_SUCCESS']);
  });

  it('wait for the clock when a record claims to be from the future', async () => {
    const store = memoryObjectStore();
    await write(lake(store, { ...options, closed: { ...closed, partitions: 1 } }, { now: () => morning }), [at(1, 0, 0), at(2, 0, 48)]);
    expect(done(store)).toEqual([]);
  });

  it('are told although a crash came between a mark and the final object', async () => {
    const store = memoryObjectStore();
    const sink = lake(store, { ...options, closed: { ...closed, partitions: 1 } }, { now: () => late });
    store.fault = (operation, name) => (operation === 'create' && name.endsWith('_SUCCESS') ? 'lost before' : undefined);
    const records = [at(1, 0, 0), at(2, 0, 1)];
    expect((await write(sink, records))[0]).toMatchObject({ class: 'retriable' });
    store.fault = () => undefined;
    expect(await write(sink, records)).toEqual(['delivered', 'delivered']);
    expect(done(store)).toEqual(['p/2026/03/04/05/_SUCCESS']);
  });
});

describe('options', () => {
  it.each([
    [{ path: '/a' }, 'sink.path'],
    [{ path: '{value.a}' }, 'connector.sink.allow'],
    [{ timeZone: 'Mars/Olympus' }, 'IANA'],
    [{ format: 'csv' }, 'csv.columns'],
    [{ format: 'raw', envelope: ['key'] }, 'json-lines'],
    [{ compressionLevel: 3 }, 'compressionLevel'],
    [{ path: 'p/{timestamp:HH}', closed: { every: 'hour', name: 'q/{timestamp:HH}', partitions: 1 } }, 'closed.name'],
    [
      { path: 'p/{timestamp:HH}', time: 'processing', closed: { every: 'hour', name: 'p/{timestamp:HH}/_SUCCESS', partitions: 1 } },
      'sink.closed',
    ],
  ])('%j are refused with advice', (options, advice) => {
    expect(problems(options).join('\n')).toContain(advice);
  });

  it('promise one copy except where paths go by the time of writing', () => {
    const promise = (options: object) =>
      objectStorage.guarantees(readConfig(objectStorage.config, { bucket: 'lake', ...options }, '').value);
    expect(promise({}).idempotent).toBe(true);
    expect(promise({ path: 'p/{timestamp:HH}' }).idempotent).toBe(true);
    expect(promise({ path: 'p/{timestamp:HH}', time: 'processing' }).idempotent).toBe(false);
    for (const { config } of objectStorage.modes ?? []) expect(problems(config)).toEqual([]);
  });

  it('ask for no more permissions than the prefix needs', () => {
    const { value } = readConfig(objectStorage.config, { bucket: 'lake', path: 'raw/{topic}' }, '');
    expect(objectStorage.permissions(value)).toEqual([
      { actions: ['s3:ListBucket'], resources: ['arn:*:s3:::lake'] },
      { actions: ['s3:PutObject', 's3:GetObject'], resources: ['arn:*:s3:::lake/raw/*'] },
    ]);
  });

  it('ask for none where requests are signed with a key of their own', () => {
    const credentials = { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } };
    const { value } = readConfig(objectStorage.config, { bucket: 'lake', credentials }, '');
    expect(objectStorage.permissions(value)).toEqual([]);
  });
});
