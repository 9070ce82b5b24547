import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import {
  classify,
  errorOf,
  type Failure,
  itemRules,
  type OperationName,
  requestRules,
} from '../../../../lib/sinks/elasticsearch/classification.ts';

describe('an item of a bulk answer', () => {
  it.each<[OperationName, number, Failure, string]>([
    ['index', 200, {}, 'delivered'],
    ['create', 201, {}, 'delivered'],
    ['delete', 404, {}, 'delivered'],
    ['delete', 404, { type: 'index_not_found_exception' }, 'config SINK_TARGET_MISSING'],
    ['index', 404, { type: 'index_not_found_exception' }, 'config SINK_TARGET_MISSING'],
    ['update', 404, { type: 'document_missing_exception' }, 'data SINK_DOCUMENT_MISSING'],
    ['index', 409, { type: 'version_conflict_engine_exception' }, 'conflict'],
    ['create', 409, { type: 'version_conflict_engine_exception' }, 'conflict'],
    ['update', 409, { type: 'version_conflict_engine_exception' }, 'retriable SINK_CONFLICT'],
    ['index', 429, { type: 'es_rejected_execution_exception' }, 'retriable SINK_THROTTLED'],
    ['index', 429, { type: 'rejected_execution_exception' }, 'retriable SINK_THROTTLED'],
    ['index', 429, { type: 'circuit_breaking_exception' }, 'retriable SINK_THROTTLED'],
    ['index', 429, { type: 'cluster_block_exception' }, 'retriable SINK_THROTTLED'],
    ['index', 403, { type: 'cluster_block_exception' }, 'config SINK_TARGET_BLOCKED'],
    ['index', 403, { type: 'security_exception' }, 'config SINK_UNAUTHORIZED'],
    ['index', 400, { type: 'document_parsing_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 400, { type: 'mapper_parsing_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 400, { type: 'strict_dynamic_mapping_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 500, { type: 'fail_processor_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 400, { type: 'script_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 400, { type: 'illegal_argument_exception' }, 'data SINK_REJECTED_RECORD'],
    ['index', 400, { type: 'illegal_argument_exception', reason: 'pipeline with id [p] does not exist' }, 'config SINK_MISCONFIGURED'],
    [
      'index',
      400,
      { type: 'illegal_argument_exception', reason: 'only write ops with an op_type of create are allowed in data streams' },
      'config SINK_MISCONFIGURED',
    ],
    [
      'index',
      400,
      { type: 'illegal_argument_exception', reason: 'Limit of total fields [1000] has been exceeded' },
      'retriable SINK_LIMIT',
    ],
    [
      'index',
      400,
      { type: 'validation_exception', reason: 'this cluster currently has [1000]/[1000] maximum normal shards open' },
      'retriable SINK_LIMIT',
    ],
    ['index', 400, { type: 'index_closed_exception' }, 'config SINK_TARGET_BLOCKED'],
    ['index', 400, { type: 'routing_missing_exception' }, 'config SINK_MISCONFIGURED'],
    ['index', 503, { type: 'unavailable_shards_exception' }, 'retriable SINK_UNAVAILABLE'],
    ['index', 500, { type: 'null_pointer_exception' }, 'retriable SINK_UNAVAILABLE'],
    ['index', 0, {}, 'retriable SINK_UNAVAILABLE'],
  ])('%s with status %i and %j is %s', (operation, status, failure, expected) => {
    const { means, code } = classify(itemRules, operation, status, failure);
    expect(code === undefined ? means : `${means} ${code}`).toBe(expected);
  });
});

describe('an answer to a whole request', () => {
  it.each<[number, Failure, string]>([
    [200, {}, 'delivered'],
    [413, {}, 'split SINK_RECORD_TOO_LARGE'],
    [429, {}, 'retriable SINK_THROTTLED'],
    [401, {}, 'config SINK_UNAUTHORIZED'],
    [403, { type: 'security_exception' }, 'config SINK_UNAUTHORIZED'],
    [400, { type: 'action_request_validation_exception' }, 'split SINK_REJECTED_RECORD'],
    [400, {}, 'config SINK_MISCONFIGURED'],
    [404, {}, 'config SINK_MISCONFIGURED'],
    [302, {}, 'config SINK_MISCONFIGURED'],
    [406, {}, 'config SINK_MISCONFIGURED'],
    [408, {}, 'retriable SINK_UNAVAILABLE'],
    [502, {}, 'retriable SINK_UNAVAILABLE'],
    [503, {}, 'retriable SINK_UNAVAILABLE'],
    [504, {}, 'retriable SINK_UNAVAILABLE'],
  ])('with status %i and %j is %s', (status, failure, expected) => {
    const { means, code } = classify(requestRules, undefined, status, failure);
    expect(code === undefined ? means : `${means} ${code}`).toBe(expected);
  });
});

describe('errorOf', () => {
  const failure = { type: 'document_parsing_exception', reason: "failed to parse, preview of value: 'secret'" };

  it('says the type and the record, never the reason, which holds values', () => {
    const error = errorOf(classify(itemRules, 'index', 400, failure), 400, failure, ' (orders-3@1842)');
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe('Elasticsearch refused the record: document_parsing_exception (orders-3@1842)');
  });

  it('does not repeat a type that no server would send', () => {
    const odd = { type: 'Some text with a secret' };
    expect(errorOf(classify(itemRules, 'index', 400, odd), 400, odd, '').message).toBe('Elasticsearch refused the record: 400');
  });

  it('keeps how long to wait, and that access was refused', () => {
    expect(errorOf(classify(requestRules, undefined, 429), 429, {}, '', 3_000)).toEqual(
      new RetriableError('SINK_THROTTLED', 'Elasticsearch is throttling writes: 429', { retryAfterMs: 3_000 }),
    );
    const refused = errorOf(classify(requestRules, undefined, 401), 401, {}, '');
    expect(refused).toBeInstanceOf(ConfigError);
    expect(refused).toMatchObject({ unauthorized: true });
  });
});
