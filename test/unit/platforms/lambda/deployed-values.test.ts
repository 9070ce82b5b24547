import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../../lib/core/config.ts';
import { deployed } from '../../../../lib/core/deployed.ts';
import { Secret } from '../../../../lib/core/secret.ts';
import { takeDeployedValues, withDeployedValues, withIntrinsics } from '../../../../lib/platforms/lambda/deployed-values.ts';

const schema = Type.Object({
  bucket: deployed(Type.String({ pattern: '^[a-z0-9-]{3,63}$' })),
  nodes: Type.Array(deployed(Type.String({ format: 'uri' }), 'https://known-at-deployment.invalid')),
  table: Type.String(),
  password: Type.Optional(Secret({ description: 'Password.' })),
});
const written = {
  bucket: { Ref: 'Lake' },
  nodes: ['https://one.example', { 'Fn::GetAtt': ['Search', 'Url'] }],
  table: 'orders',
  password: { secretsManager: { Ref: 'Secret' }, field: 'password' },
};

describe('values that only deployment knows', () => {
  it('are checked as a text that could be one, and come back from the environment', () => {
    const { value, environment, places, problems } = takeDeployedValues(written, schema, 'sink');
    expect(problems).toEqual([]);
    expect(readConfig(schema, value, 'sink').problems).toEqual([]);
    expect(environment).toEqual({
      SLUICE_SINK_BUCKET: { Ref: 'Lake' },
      SLUICE_SINK_NODES_1: { 'Fn::GetAtt': ['Search', 'Url'] },
      SLUICE_SINK_PASSWORD_SECRETSMANAGER: { Ref: 'Secret' },
    });
    const env = { SLUICE_SINK_BUCKET: 'lake-1', SLUICE_SINK_NODES_1: 'https://two.example', SLUICE_SINK_PASSWORD_SECRETSMANAGER: 'arn:x' };
    expect(withDeployedValues(value, places, env)).toEqual({
      ...{ bucket: 'lake-1', nodes: ['https://one.example', 'https://two.example'], table: 'orders' },
      password: { secretsManager: 'arn:x', field: 'password' },
    });
    expect(withDeployedValues(value, places, environment)).toEqual(written);
  });

  it('are refused where they have to be known before, with the path of the option', () => {
    const { problems } = takeDeployedValues({ ...written, table: { Ref: 'Table' } }, schema, 'connector.sink');
    expect(problems.map(({ path }) => path)).toEqual(['connector.sink.table']);
    expect(problems[0]?.message).toMatch(/Write the value, or a variable/);
  });

  it('stand in what a sink makes of them, such as the names of resources', () => {
    const { value, standIns } = takeDeployedValues(written, schema, 'sink');
    const bucket = Reflect.get(value as object, 'bucket') as string;
    expect(withIntrinsics(`arn:aws:s3:::${bucket}/a/*`, standIns)).toEqual({
      'Fn::Join': ['', ['arn:aws:s3:::', { Ref: 'Lake' }, '/a/*']],
    });
    expect(withIntrinsics(bucket, standIns)).toEqual({ Ref: 'Lake' });
    expect(withIntrinsics('arn:aws:s3:::other', standIns)).toBe('arn:aws:s3:::other');
  });
});
