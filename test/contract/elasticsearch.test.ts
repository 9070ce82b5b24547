import { elasticsearch } from '../../lib/sinks/elasticsearch.ts';
import { describeWith } from '../support/servers/shared.ts';
import { ownPromises, searchModes, searchTarget } from './kit/search-target.ts';
import { describeSink } from './sink-contract.ts';

const { byKey, checked, hard, unguarded, byField, guardField, byRecord, create, update, updateHard } = searchModes;
let indices = 0;

describeWith(['elasticsearch'], 'a real Elasticsearch', ({ elasticsearch: server }) => {
  describeSink({
    definition: elasticsearch,
    target: () => searchTarget(server, `sluice-contract-${process.pid}-${indices++}`),
    modes: [byKey, create, update, ...[checked, hard, unguarded, byField, guardField, byRecord, updateHard].map(ownPromises)],
  });
});
