import {
  type EventSourceMappingConfiguration,
  type FunctionConfiguration,
  GetFunctionCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';

export interface DeployedFunction extends FunctionConfiguration {
  readonly tags: Readonly<Record<string, string>> | undefined;
}

/** What is deployed, as Lambda and IAM tell. */
export interface DeployedService {
  /** The functions of a service and stage by their short names. */
  functions(): Promise<ReadonlyMap<string, DeployedFunction>>;
  /** Their event source mappings, by function and topic. */
  mappings(): Promise<ReadonlyMap<string, EventSourceMappingConfiguration>>;
  /** What a function's role allows: actions with their resources. */
  allowed(name: string): Promise<ReadonlyMap<string, readonly string[]>>;
  close(): void;
}

/** Reads back what was deployed to an endpoint of AWS. */
export function deployedService(endpoint: string, prefix: string): DeployedService {
  const client = new LambdaClient({ endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  const shortName = (arn: string | undefined): string | undefined =>
    arn?.split(':function:')[1]?.startsWith(`${prefix}-`) ? arn.split(':function:')[1]?.slice(prefix.length + 1) : undefined;

  const functions = async (): Promise<ReadonlyMap<string, DeployedFunction>> => {
    const found = new Map<string, DeployedFunction>();
    for await (const { Functions: page = [] } of paginateListFunctions({ client }, {}))
      for (const each of page) {
        const name = shortName(each.FunctionArn);
        if (name === undefined) continue;
        const { Configuration: configuration, Tags: tags } = await client.send(new GetFunctionCommand({ FunctionName: each.FunctionName }));
        found.set(name, { ...configuration, tags });
      }
    return found;
  };

  return {
    functions,
    async mappings() {
      const found = new Map<string, EventSourceMappingConfiguration>();
      for await (const { EventSourceMappings: page = [] } of paginateListEventSourceMappings({ client }, {}))
        for (const mapping of page) {
          const name = shortName(mapping.FunctionArn);
          if (name !== undefined) found.set(`${name} ${mapping.Topics?.join()}`, mapping);
        }
      return found;
    },
    async allowed(name) {
      const role = (await functions()).get(name)?.Role?.split('/').at(-1) ?? '';
      const answer = await iam(endpoint, { Action: 'GetRolePolicy', RoleName: role, PolicyName: 'connector' });
      const document = /<PolicyDocument>(.*)<\/PolicyDocument>/s.exec(answer)?.[1];
      if (document === undefined) throw new Error(`Expected a policy of ${name}, got ${answer}`);
      // The endpoint writes documents of CloudFormation in Python's way.
      const { Statement: statements } = JSON.parse(document.replaceAll("'", '"')) as {
        readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: readonly string[] }[];
      };
      return new Map(statements.flatMap(({ Action: actions, Resource: resources }) => actions.map((action) => [action, resources])));
    },
    close: () => client.destroy(),
  };
}

async function iam(endpoint: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/iam/aws4_request, SignedHeaders=host, Signature=unchecked';
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
  });
  return await answer.text();
}
