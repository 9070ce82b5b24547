import { describe, expect, it } from 'vitest';
import { decodeMetadataResponse, encodeMetadataRequest, isMissing } from '../../../../lib/clients/kafka/metadata.ts';

const id = Buffer.from('P_sf8zxQT5a3rhIPWgM3cw', 'base64url');
const compact = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const partition = Buffer.concat([
  Buffer.from([0, 0]),
  ...[0, 1, 5].map(int32),
  ...[[1, 2], [1], []].map((list) => Buffer.concat([Buffer.from([list.length + 1]), ...list.map(int32)])),
  Buffer.from([0]),
]);

describe('metadata of version 10', () => {
  it('is asked for by name, without creating anything', () => {
    expect(encodeMetadataRequest(['ab']).toString('hex')).toBe(`00${'02'}${'00'.repeat(16)}${'036162'}${'00'}${'00000000'}`);
    expect(encodeMetadataRequest([]).toString('hex')).toBe('000100000000');
  });

  it('is read with ids and counts, over lists and tagged fields of any length', () => {
    const answer = Buffer.concat([
      Buffer.from([0]),
      int32(0),
      Buffer.from([2]),
      int32(1),
      compact('broker'),
      int32(9092),
      Buffer.from([0]), // no rack
      Buffer.from([1, 9, 2, 0xaa, 0xbb]), // a tagged field that nobody knows
      compact('cluster-id'),
      int32(1),
      Buffer.from([3]),
      ...[Buffer.from([0, 0]), compact('orders'), id, Buffer.from([0, 4]), partition, partition, partition, int32(-1), Buffer.from([0])],
      ...[Buffer.from([0, 3]), compact('gone'), Buffer.alloc(16), Buffer.from([0, 1]), int32(-1), Buffer.from([0])],
      int32(-1),
      Buffer.from([0]),
    ]);
    const { clusterId, topics } = decodeMetadataResponse(answer);
    expect(clusterId).toBe('cluster-id');
    expect(topics.get('orders')).toEqual({ errorCode: 0, id: 'P_sf8zxQT5a3rhIPWgM3cw', partitions: 3 });
    expect(topics.get('gone')).toEqual({ errorCode: 3, id: undefined, partitions: 0 });
    expect([...topics.values()].map(isMissing)).toEqual([false, true]);
  });
});
