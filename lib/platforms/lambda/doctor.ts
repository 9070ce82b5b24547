import type { DeployedFunction, LambdaApi, Mapping } from '../../clients/lambda.ts';
import { isObject } from '../../core/field.ts';
import type { Check } from '../checks.ts';
import { kafkaMappings, mappingGroup } from './control.ts';
import { type DoctorAnswer, doctorEvent, isDoctorAnswer } from './doctor-event.ts';

export interface Examined {
  readonly api: LambdaApi;
  readonly functionName: string;
  readonly connector: string;
}

/** A function that is cold and whose checks all wait for an answer. */
const reserveMs = 15_000;

/** What a deployed function finds when it looks around from where it is, and what its triggers look like from outside. */
export async function examineDeployed({ api, functionName, connector }: Examined): Promise<readonly Check[]> {
  const found = await api.functionNamed(functionName);
  if (found === undefined)
    return [functionFailed(functionName, 'There is no such function in AWS Lambda', 'npx serverless deploy, or name another --stage')];
  if (found.tags['sluice:connector'] !== connector)
    return [functionFailed(functionName, 'It is not tagged as this connector', 'Deploy it again: npx serverless deploy')];
  const [answer, mappings] = await Promise.all([ask(api, functionName, found), api.mappings(functionName)]);
  if ('failure' in answer) return [answer.failure, ...triggerChecks(kafkaMappings(mappings), undefined)];
  return [...answer.checks.map((check) => withNetwork(check, found)), ...triggerChecks(kafkaMappings(mappings), answer)];
}

async function ask(api: LambdaApi, name: string, found: DeployedFunction): Promise<DoctorAnswer | { readonly failure: Check }> {
  const { payload, functionError } = await api.invoke(name, doctorEvent, (found.Timeout ?? 120) * 1_000 + reserveMs);
  const answer = parsed(payload);
  if (functionError === undefined && isDoctorAnswer(answer)) return answer;
  const fields = isObject(answer) ? answer : {};
  const isOld = functionError === undefined || /EVENT_MALFORMED|Expected .*(records|event)/.test(String(fields['errorMessage']));
  if (isOld)
    return {
      failure: functionFailed(
        name,
        'It does not know the doctor: it was deployed by an earlier version',
        'Deploy it again: npx serverless deploy',
      ),
    };
  const said = typeof fields['errorMessage'] === 'string' ? fields['errorMessage'] : 'it did not say why';
  return { failure: functionFailed(name, `It failed before it could look: ${said}`, `See its log group: /aws/lambda/${name}`) };
}

/** How the triggers call the function has to agree with how it answers: where not, records are lost in silence. */
function triggerChecks(mappings: readonly Mapping[], answer: DoctorAnswer | undefined): Check[] {
  if (mappings.length === 0)
    return [
      {
        name: 'trigger',
        state: 'failed',
        subject: '–',
        detail: 'No Kafka trigger calls the function',
        fix: 'Deploy it again: npx serverless deploy',
      },
    ];
  return mappings.map((mapping): Check => {
    const { Topics: topics = [], FunctionResponseTypes: types = [], State: state = '', LastProcessingResult: result = '' } = mapping;
    const subject = topics.join(', ');
    const mode = types.includes('ReportBatchItemFailures') ? 'partial' : 'batch';
    const again = 'Deploy it again: npx serverless deploy';
    const wrong = (detail: string, fix: string): Check => ({ name: 'trigger', state: 'failed', subject, detail, fix });
    if (answer !== undefined && answer.mode !== mode)
      return wrong(`The function answers in ${answer.mode} mode and the trigger takes ${mode}: records would be lost`, again);
    const group = mappingGroup(mapping);
    if (answer !== undefined && group !== undefined && !answer.groups.includes(group))
      return wrong(`It reads in the group ${group}, and the function knows ${answer.groups.join(', ')}`, again);
    if (result.startsWith('PROBLEM'))
      return wrong(result, 'The pollers need a network that reaches the brokers, and credentials that these take: see sluice.cluster.');
    return {
      name: 'trigger',
      state: 'ok',
      subject,
      detail: `${state.toLowerCase()}, ${mode}${result === '' ? '' : `, last result: ${result}`}`,
    };
  });
}

/** Where nothing answers, it matters which network the function is in. */
function withNetwork(check: Check, { VpcConfig: vpc }: DeployedFunction): Check {
  if (check.isUnreachable !== true) return check;
  const subnets = vpc?.SubnetIds ?? [];
  const where =
    subnets.length === 0
      ? 'The function is in no VPC, so it reaches public addresses only.'
      : `The function is in ${subnets.length === 1 ? 'subnet' : 'subnets'} ${subnets.join(', ')}, which need a route there: NAT or an endpoint for what is public.`;
  return { ...check, fix: `${where}${check.fix === undefined ? '' : ` ${check.fix}`}` };
}

function functionFailed(subject: string, detail: string, fix: string): Check {
  return { name: 'function', state: 'failed', subject, detail, fix };
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
