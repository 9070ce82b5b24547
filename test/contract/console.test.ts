import { Writable } from 'node:stream';
import { printingTo } from '../../lib/sinks/console.ts';
import { parseExact } from './kit/exact.ts';
import type { Mode } from './kit/mode.ts';
import { describeSink } from './sink-contract.ts';

let text = '';
const output = new Writable({
  write(chunk, _, done) {
    text += String(chunk);
    done();
  },
});
const poison: Mode['poison'] = (record) => ({ ...record, target: 'elsewhere' });

describeSink({
  definition: printingTo(output),
  target: async () => ({
    read: async () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => ({ value: parseExact(line.slice(line.indexOf('\t') + 1)) })),
    async reset() {
      text = '';
    },
  }),
  modes: [
    { name: 'tombstones ignored', config: () => ({}), identity: 'none', poison },
    { name: 'tombstones printed', config: () => ({ tombstones: 'print' }), identity: 'none', tombstone: 'stored', poison },
  ],
});
