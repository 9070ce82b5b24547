import { elasticsearch } from '../../lib/sinks/elasticsearch.ts';
import { describeWith } from '../support/servers/shared.ts';
import { ownPromises, searchModes, searchTarget } from './kit/search-target.ts';
import { describeSink } from './sink-contract.ts';

const { byKey, hard, guardField, create, update } = searchModes;
let indices = 0;

describeWith(['opensearch'], 'a real OpenSearch', ({ opensearch: server }) => {
  describeSink({
    definition: elasticsearch,
    target: () => searchTarget(server, `sluice-contract-${process.pid}-${indices++}`),
    title: 'opensearch',
    modes: [byKey, hard, guardField, create, update].map(ownPromises),
  });
});
