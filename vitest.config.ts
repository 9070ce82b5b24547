import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

// `sluice` and `sluice/...` mean the sources here, as they do for the type checker.
const CONDITION = 'sluice-source';
const conditions = [CONDITION, 'node', 'development']; // not `module`, which leads to files for bundlers that Node itself cannot load
const sources = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: [CONDITION, 'node'] } } };

const common = { root, environment: 'node', execArgv: [`--conditions=${CONDITION}`, '--disable-warning=TimeoutNegativeWarning'] } as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/servers/shared-host.ts'],
    projects: [
      {
        ...sources,
        test: {
          ...common,
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/regressions/**/*.test.ts'],
          // Properties take a while on a busy machine.
          testTimeout: 30_000,
          // Unit tests touch nothing outside the process, so they need not start one each.
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...sources,
        test: {
          ...common,
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          // These tests wait for servers more than they compute.
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...sources,
        test: {
          ...common,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...sources,
        test: {
          ...common,
          name: 'deploy',
          include: ['test/deploy/**/*.test.ts'],
          // The commands they start bundle as fast as the machine can.
          maxWorkers: 2,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        ...sources,
        test: {
          ...common,
          name: 'newcomer',
          include: ['test/newcomer/**/*.test.ts'],
          // Builds, packs and installs before the first test.
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
