import { defaultsAreOptional } from '../core/json-schema.ts';
import { serviceSchema } from '../platforms/lambda/service-settings.ts';

/**
 * The JSON Schema (draft 7) of what Sluice adds to serverless.yml: the `sluice:` block, and `connector:` of each function. Everything else there is the
 * framework's, and not looked at.
 */
export function serverlessJsonSchema(): unknown {
  const functionMap = {
    type: 'object',
    additionalProperties: { type: ['object', 'string', 'null'], properties: { connector: { $ref: 'connector.schema.json' } } },
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'serverless.yml with connectors of Sluice',
    type: 'object',
    properties: {
      sluice: defaultsAreOptional(serviceSchema),
      functions: { anyOf: [functionMap, { type: 'array', items: functionMap }, { type: 'string' }] },
    },
  };
}
