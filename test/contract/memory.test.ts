import { memory } from '../../lib/sinks/memory.ts';
import { type MemoryTarget, memoryTarget, modes } from './kit/memory-modes.ts';
import type { Mode } from './kit/mode.ts';
import { networked } from './kit/networked.ts';
import { describeSink } from './sink-contract.ts';

const { definition, network } = networked(memory);
const target = memoryTarget('contract', network);
/** Faults do not depend on the mode, so two modes meet them. */
const { faults: _, ...reliable } = target;
const meetsFaults = ({ name }: Mode<MemoryTarget>) => name === modes.guarded.name || name === modes.append.name;

describeSink({ definition, target: async (mode) => (meetsFaults(mode) ? target : reliable), modes: Object.values(modes) });
