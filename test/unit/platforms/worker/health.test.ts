import { afterEach, describe, expect, it } from 'vitest';
import { type HealthServer, serveHealth } from '../../../../lib/platforms/worker/health.ts';
import { workerMetrics } from '../../../../lib/platforms/worker/metrics.ts';
import type { Status } from '../../../../lib/platforms/worker/status.ts';

const running: Status = {
  state: 'running',
  partitions: [
    { partition: 'orders-0', lag: 7 },
    { partition: 'orders-1', lag: undefined },
  ],
  lag: 7,
};
const blocked: Status = {
  ...running,
  state: 'blocked',
  trouble: { class: 'config', code: 'SINK_MISCONFIGURED', message: 'The table does not exist. Create it.', since: 0 },
};

describe('health', () => {
  let server: HealthServer | undefined;
  afterEach(() => server?.close());

  const serve = async (status: Status) => {
    const metrics = workerMetrics('orders-to-test', () => 1_760_000_000_000);
    server = await serveHealth({ status: () => status, metrics, port: 0 });
    const { url } = server;
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`${url}${path}`, { method });
      return { status: response.status, text: await response.text() };
    };
    return { url, metrics, get };
  };

  it('listens on the loopback interface only', async () => {
    const { url } = await serve(running);
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('is ready when records go through, and says why when they do not', async () => {
    expect(await (await serve(running)).get('/readyz')).toEqual({ status: 200, text: 'ready\n' });
    await server?.close();
    const { get } = await serve(blocked);
    expect(await get('/readyz')).toEqual({ status: 503, text: 'blocked: SINK_MISCONFIGURED The table does not exist. Create it.\n' });
    expect(await get('/healthz')).toEqual({ status: 200, text: 'alive\n' });
  });

  it('answers nothing else', async () => {
    const { get } = await serve(running);
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics', 'POST')).status).toBe(405);
  });

  it('gives Prometheus what became of records, how far behind they are and how long it took', async () => {
    const { metrics, get } = await serve(blocked);
    metrics.fetched(10);
    metrics.batch({
      records: 10,
      delivered: 4,
      ignored: 1,
      dropped: 2,
      deadLettered: 1,
      skipped: 0,
      redelivered: 2,
      ms: 30,
      lastError: { class: 'retriable', code: 'SINK_THROTTLED', message: 'Slow down', at: 'orders-0@3' },
    });
    metrics.write({ records: 4, delivered: 4, ignored: 0, data: 0, retriable: 0, config: 0, ms: 20 });
    metrics.retry(3);
    const { text } = await get('/metrics');
    const lines = [
      'sluice_records_in_total{connector="orders-to-test"} 10',
      'sluice_records_delivered_total{connector="orders-to-test"} 4',
      'sluice_records_ignored_total{connector="orders-to-test"} 1',
      'sluice_records_dropped_total{connector="orders-to-test"} 2',
      'sluice_records_dead_lettered_total{connector="orders-to-test"} 1',
      'sluice_records_redelivered_total{connector="orders-to-test"} 2',
      'sluice_retries_total{connector="orders-to-test"} 3',
      'sluice_partition_lag{partition="orders-0",connector="orders-to-test"} 7',
      'sluice_connector_state{state="blocked",connector="orders-to-test"} 1',
      'sluice_connector_state{state="running",connector="orders-to-test"} 0',
      'sluice_last_error_timestamp_seconds{class="retriable",code="SINK_THROTTLED",connector="orders-to-test"} 1760000000',
      'sluice_batch_seconds_bucket{le="0.05",connector="orders-to-test"} 1',
      'sluice_sink_write_seconds_bucket{le="0.01",connector="orders-to-test"} 0',
    ];
    expect(text.split('\n')).toEqual(expect.arrayContaining(lines));
    expect(text).not.toContain('partition="orders-1"');
    expect((await get('/metrics')).text).toContain('sluice_records_in_total{connector="orders-to-test"} 10');
  });
});
