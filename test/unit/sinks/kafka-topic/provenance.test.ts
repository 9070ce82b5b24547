import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hop, isLoop, nextChain, parseSource } from '../../../../lib/sinks/kafka-topic/provenance.ts';

describe('provenance', () => {
  it('reads its own header, and nothing else', () => {
    const expected = { topic: 'a.b_c-d', partition: 12, offset: 9_007_199_254_740_991, epoch: 3, part: 4 };
    expect(parseSource('a.b_c-d:12:9007199254740991:3:4:P_sf8zxQT5a3rhIPWgM3cw')).toEqual({
      ...expected,
      topicId: 'P_sf8zxQT5a3rhIPWgM3cw',
    });
    expect(parseSource('a.b_c-d:12:9007199254740991:3:4:')).toEqual({ ...expected, topicId: undefined });
    for (const text of ['', 'orders', 'orders:1:2', 'orders:1:2:3:4', 'orders:1:x:3:4:', 'a:b:1:2:3:4:'])
      expect(parseSource(text)).toBeUndefined();
  });

  it('finds a visit to the target cluster under any name, and within a cluster the same topic', () => {
    expect(isLoop(['west/eu.orders'], 'east/orders', 'west/orders')).toBe(true);
    expect(isLoop(['north/orders'], 'east/orders', 'west/orders')).toBe(false);
    expect(isLoop(['east/raw'], 'east/orders', 'east/copy')).toBe(false);
    expect(isLoop(['east/copy'], 'east/orders', 'east/copy')).toBe(true);
    expect(isLoop(['westend/orders'], 'east/orders', 'west/orders')).toBe(false);
  });

  it('keeps odd names of clusters apart', () => {
    const odd = hop('a,b/c', 'orders');
    expect(nextChain(undefined, odd, hop('b', 'orders'))).toBe('a%2Cb%2Fc/orders');
    expect(nextChain('a%2Cb%2Fc/orders', hop('x', 'orders'), odd)).toBeUndefined();
  });

  it('lets no record travel for ever, whatever clusters mirror each other under whatever names', () => {
    const clusters = ['A', 'B', 'C'];
    const topics = ['t', 'u', 'v'];
    const link = fc.record({
      from: fc.constantFrom(...clusters),
      to: fc.constantFrom(...clusters),
      read: fc.constantFrom(...topics),
      write: fc.constantFrom(...topics),
    });
    fc.assert(
      fc.property(fc.array(link, { maxLength: 12 }), (links) => {
        const useful = links.filter(({ from, to, read, write }) => from !== to || read !== write);
        let travelling: { cluster: string; topic: string; chain: string | undefined }[] = [{ cluster: 'A', topic: 't', chain: undefined }];
        for (let hops = 0; travelling.length > 0; hops++) {
          expect(hops).toBeLessThanOrEqual(clusters.length * topics.length);
          travelling = travelling.flatMap(({ cluster, topic, chain }) =>
            useful
              .filter(({ from, read }) => from === cluster && read === topic)
              .flatMap((each) => {
                const next = nextChain(chain, hop(cluster, topic), hop(each.to, each.write));
                return next === undefined ? [] : [{ cluster: each.to, topic: each.write, chain: next }];
              }),
          );
          if (travelling.length > 2_000) travelling.length = 2_000;
        }
      }),
    );
  });
});
