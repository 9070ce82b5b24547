import { type Static, Type } from 'typebox';
import { clusterSchema } from '../../clients/kafka/cluster-config.ts';
import { deployed } from '../../core/deployed.ts';
import { fcSchema } from '../fc/options.ts';
import { alarmsSchema } from './template/alarms.ts';

/** The `sluice:` block of serverless.yml, shared by all connectors of the service. */
export const serviceSchema = Type.Object(
  {
    cluster: Type.Optional(clusterSchema),
    registry: Type.Optional(Type.Unknown({ description: 'The schema registry that formats ask.' })),
    alarms: Type.Optional(alarmsSchema),
    fc: Type.Optional(fcSchema),
    kmsKeys: Type.Array(deployed(Type.String({ pattern: '^arn:' }), 'arn:aws:kms:known-at-deployment'), {
      default: [],
      description: 'ARNs of the keys of your own that secrets are encrypted with: functions may decrypt with them.',
    }),
  },
  { additionalProperties: false, description: 'What all connectors of the service share.' },
);
export type ServiceSettings = Static<typeof serviceSchema>;
