import type { LambdaClientConfig } from '@aws-sdk/client-lambda';
import type { DeployedMapping } from './template/replaced.ts';

/** Every event source mapping of the account and region; none when Lambda cannot be asked. */
export async function deployedMappings(config: LambdaClientConfig): Promise<readonly DeployedMapping[]> {
  const { LambdaClient, paginateListEventSourceMappings } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({ ...config, maxAttempts: 2 });
  try {
    const mappings: DeployedMapping[] = [];
    for await (const { EventSourceMappings: page = [] } of paginateListEventSourceMappings({ client, pageSize: 100 }, {}))
      mappings.push(...page);
    return mappings;
  } catch {
    return []; // whoever deploys may not be allowed to list; the deployment itself will tell
  } finally {
    client.destroy();
  }
}
