import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chains, headerText, isLoop, parseSource, sourceText } from '../../../../lib/sinks/kafka-topic/provenance.ts';
import { record } from '../../../support/records.ts';

describe('provenance', () => {
  it('reads what it wrote, and nothing else', () => {
    const mirrored = record('k', 1, { topic: 'a.b_c-d', partition: 12, offset: 9_007_199_254_740_991, epoch: 3, part: 4 });
    expect(parseSource(sourceText(mirrored, 'P_sf8zxQT5a3rhIPWgM3cw'))).toEqual({
      ...{ topic: 'a.b_c-d', partition: 12, offset: 9_007_199_254_740_991, epoch: 3, part: 4 },
      topicId: 'P_sf8zxQT5a3rhIPWgM3cw',
    });
    expect(parseSource(sourceText(mirrored))?.topicId).toBeUndefined();
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
    const next = chains({ source: 'a,b/c', target: 'b' });
    const chain = next(undefined, 'orders', 'orders');
    expect(headerText(chain === undefined ? [] : [chain], 'sluice.chain')).toBe('a%2Cb%2Fc/orders');
    expect(chains({ source: 'x', target: 'a,b/c' })('a%2Cb%2Fc/orders', 'orders', 'orders')).toBeUndefined();
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
        const next = new Map(useful.map((each) => [each, chains({ source: each.from, target: each.to })]));
        let travelling: { cluster: string; topic: string; chain: string | undefined }[] = [{ cluster: 'A', topic: 't', chain: undefined }];
        for (let hops = 0; travelling.length > 0; hops++) {
          expect(hops).toBeLessThanOrEqual(clusters.length * topics.length);
          travelling = travelling.flatMap(({ cluster, topic, chain }) =>
            useful
              .filter(({ from, read }) => from === cluster && read === topic)
              .flatMap((each) => {
                const header = next.get(each)?.(chain, topic, each.write);
                return header === undefined ? [] : [{ cluster: each.to, topic: each.write, chain: String(header.value) }];
              }),
          );
          if (travelling.length > 2_000) travelling.length = 2_000;
        }
      }),
    );
  });
});
