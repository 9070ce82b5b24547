import { elasticsearch } from '../../lib/sinks/elasticsearch.ts';
import { describeWith } from '../support/servers/shared.ts';
import { searchModes, searchTarget } from './kit/search-target.ts';
import { describeSink } from './sink-contract.ts';

let indices = 0;

describeWith(['elasticsearch'], 'a real Elasticsearch', ({ elasticsearch: server }) => {
  describeSink({
    definition: elasticsearch,
    target: () => searchTarget(server, `sluice-contract-${process.pid}-${indices++}`),
    modes: Object.values(searchModes),
  });
});
