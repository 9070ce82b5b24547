import { describe, expect, it } from 'vitest';
import { inWords, newBench, numbered, write } from './maxcompute-support.ts';

const bench = newBench();
const { errorOf, meet, offsets, open, sent } = bench;

describe('what streams leave when an answer is lost', () => {
  it('the rows of that request twice at most, and no others', async () => {
    const sink = await open({ blockBytes: 1_000, compression: 'none' });
    const records = numbered(40).map((each) => ({ ...each, value: 'x'.repeat(100) }));
    let requests = 0;
    bench.server.fault = ({ kind }) => (kind === 'writeStream' && ++requests === 3 ? 'answer lost' : undefined);
    const outcomes = inWords(await write(sink, records));
    const delivered = outcomes.indexOf('retriable SINK_UNREACHABLE');
    expect(delivered).toBeGreaterThan(5);
    expect(outcomes.slice(0, delivered)).toEqual(Array(delivered).fill('delivered'));
    const stored = offsets().length;
    expect(stored).toBeGreaterThan(delivered); // the write happened, and nobody was told
    expect(inWords(await write(sink, records.slice(delivered)))).toEqual(Array(40 - delivered).fill('delivered'));
    const found = offsets();
    const twice = found.filter((offset, index) => found.indexOf(offset) < index);
    expect(twice).toEqual(Array.from({ length: stored - delivered }, (_, index) => delivered + index));
    expect(new Set(found).size).toBe(40);
  });

  it('nothing twice when the stream could not even be opened', async () => {
    const sink = await open();
    meet(['openStream'], 'answer lost');
    expect(inWords(await write(sink, numbered(2)))).toEqual(Array(2).fill('retriable SINK_UNREACHABLE'));
    expect(inWords(await write(sink, numbered(2)))).toEqual(['delivered', 'delivered']);
    expect(offsets()).toEqual([0, 1]);
  });

  it('the columns of the origin tell which rows are there twice', async () => {
    const sink = await open();
    meet(['writeStream'], 'answer lost');
    await write(sink, numbered(3));
    await write(sink, numbered(3));
    const distinct = new Set(bench.server.rows('things').map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`));
    expect([bench.server.rows('things').length, distinct.size]).toEqual([6, 3]);
  });
});

describe('what block uploads leave when a commit is unclear', () => {
  it.each(['answer lost', 'partial answer'] as const)(
    'each row once after %s, as the session says that it was committed',
    async (fault) => {
      const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
      const records = numbered(40);
      meet(['commit'], fault);
      expect(inWords(await write(sink, records))).toEqual(Array(40).fill('delivered'));
      expect(sent('block').length).toBeGreaterThan(1);
      expect(offsets()).toEqual(records.map(({ origin }) => origin.offset));
      expect(sent('commit')).toHaveLength(1);
    },
  );

  it('each row once, when nobody can be asked until the same records come again', async () => {
    const sink = await open({ upload: 'block' });
    bench.server.fault = ({ kind }) => {
      if (sent('commit').length > 0 && kind === 'reload') return { code: 'ServiceUnavailable' };
      return kind === 'commit' ? 'answer lost' : undefined;
    };
    expect(inWords(await write(sink, numbered(5)))).toEqual(Array(5).fill('retriable SINK_UNAVAILABLE'));
    bench.server.fault = undefined;
    expect(inWords(await write(sink, numbered(5)))).toEqual(Array(5).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2, 3, 4]);
  });

  it('each row at least once, when the records come again in another cut', async () => {
    const sink = await open({ upload: 'block' });
    bench.server.fault = ({ kind }) => {
      if (sent('commit').length > 0 && kind === 'reload') return { code: 'ServiceUnavailable' };
      return kind === 'commit' ? 'answer lost' : undefined;
    };
    await write(sink, numbered(5));
    bench.server.fault = undefined;
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(inWords(await write(sink, numbered(5).slice(3)))).toEqual(Array(2).fill('delivered'));
    expect(new Set(offsets())).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(offsets().length).toBeLessThanOrEqual(10);
  });

  it('nothing of a commit that did not happen, until the records come again', async () => {
    const sink = await open({ upload: 'block' });
    meet(['commit'], 'cut');
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('retriable SINK_UNREACHABLE'));
    expect(offsets()).toEqual([]);
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('a commit that hangs after it happened is found out when the same records come again', async () => {
    const sink = await open({ upload: 'block', requestTimeoutMs: 30_000 });
    meet(['commit'], 'answer late');
    expect(inWords(await write(sink, numbered(3), AbortSignal.timeout(400)))).toEqual(Array(3).fill('retriable ABORTED'));
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('nothing is committed while a block is missing that was answered with success', async () => {
    const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
    let blocks = 0;
    bench.server.fault = ({ kind }) => (kind === 'block' && ++blocks === 2 ? 'lie' : undefined);
    const records = numbered(60).map((each) => ({ ...each, value: 'x'.repeat(100) }));
    expect(inWords(await write(sink, records))).toEqual(Array(60).fill('retriable SINK_SESSION_LOST'));
    expect(blocks).toBeGreaterThan(2);
    expect([sent('commit').length, offsets().length]).toEqual([0, 0]);
    expect(inWords(await write(sink, records))).toEqual(Array(60).fill('delivered'));
    expect(offsets()).toEqual(records.map(({ origin }) => origin.offset));
  });

  it('blocks are counted from 0 in each session', async () => {
    const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
    await write(sink, numbered(30));
    await write(sink, numbered(30));
    const sessions = Map.groupBy(sent('block'), ({ query }) => query.get('uploadid'));
    expect(sessions.size).toBe(2);
    for (const blocks of sessions.values())
      expect(blocks.map(({ query }) => Number(query.get('blockid')))).toEqual(blocks.map((_, index) => index));
  });

  it('a statement that fails, or is refused for now, says why', async () => {
    const sink = await open({ upload: 'block' });
    meet(['submit'], { code: 'ServiceUnavailable' });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['retriable SINK_UNAVAILABLE']);
    meet(['submit'], { code: 'NoPermission', message: 'ODPS-0130013:Authorization exception - no CreateInstance' });
    expect(await errorOf(sink)).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    expect(offsets()).toEqual([0]);
  });
});
