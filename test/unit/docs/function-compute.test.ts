import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../../lib/core/config.ts';
import { checkSink, parseSettings } from '../../../lib/core/settings.ts';
import { checkConnector } from '../../../lib/platforms/fc/check.ts';
import { optionsFor } from '../../../lib/platforms/fc/options.ts';
import { functionName } from '../../../lib/platforms/fc/template.ts';
import { serviceSchema } from '../../../lib/platforms/lambda/service-settings.ts';
import { objectStorage } from '../../../lib/sinks/object-storage.ts';

describe('docs/function-compute.md', () => {
  it('shows a service that can be exported', () => {
    const page = readFileSync(new URL('../../../docs/function-compute.md', import.meta.url), 'utf8');
    const service = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
    const shared = readConfig(serviceSchema, service.sluice, 'sluice');
    expect(shared.problems).toEqual([]);
    const [[connector, block]] = Object.entries<{ connector: unknown }>(service.functions) as [[string, { connector: unknown }]];
    const settings = parseSettings(block.connector);
    expect(checkSink(objectStorage, settings).problems).toEqual([]);
    const name = { service: service.service, stage: 'prod', connector };
    const options = optionsFor(connector, shared.value.fc!);
    const { cluster } = shared.value;
    expect(checkConnector({ functionName: functionName(name), settings, options, cluster, timeoutSeconds: 120, memorySize: 1024 })).toEqual(
      [],
    );
    expect(options).toMatchObject({ maximumTasks: 6, errorsTolerance: 'NONE', retryStrategy: 'EXPONENTIAL_DECAY_RETRY' });
  });
});
