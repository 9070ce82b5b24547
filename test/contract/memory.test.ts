import { memory } from '../../lib/sinks/memory.ts';
import { memoryTarget, modes } from './kit/memory-modes.ts';
import { networked } from './kit/networked.ts';
import { describeSink } from './sink-contract.ts';

const { definition, network } = networked(memory);

describeSink({ definition, target: async () => memoryTarget('contract', network), modes: Object.values(modes) });
