import { describe, expect, it } from 'vitest';
import { endpointTokens, refreshed, secretTokens, type Token } from '../../../../lib/clients/kafka/token.ts';
import { RetriableError } from '../../../../lib/core/errors.ts';

function clockAt(start: number) {
  let at = start;
  return { now: () => at, advance: (ms: number) => (at += ms) };
}

function source(answers: readonly (Token | Error)[]) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    next: async () => {
      const answer = answers[calls++];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('asked too often');
      return answer;
    },
  };
}

describe('tokens', () => {
  it('are asked for again after four fifths of their life', async () => {
    const clock = clockAt(0);
    const tokens = source([
      { value: 'one', expiresAt: 100_000 },
      { value: 'two', expiresAt: 300_000 },
    ]);
    const token = refreshed(tokens.next, clock.now);
    expect(await token()).toBe('one');
    clock.advance(79_999);
    expect(await token()).toBe('one');
    clock.advance(1);
    expect(await token()).toBe('two');
    expect(tokens.calls).toBe(2);
  });

  it('are asked for once by all who need one at the same time', async () => {
    const tokens = source([{ value: 'one', expiresAt: 100_000 }]);
    const token = refreshed(tokens.next, () => 0);
    expect(await Promise.all([token(), token(), token()])).toEqual(['one', 'one', 'one']);
    expect(tokens.calls).toBe(1);
  });

  it('last to their end when the next one cannot be had, and no longer', async () => {
    const clock = clockAt(0);
    const failure = new RetriableError('KAFKA_TOKEN_ENDPOINT', 'down');
    const token = refreshed(source([{ value: 'one', expiresAt: 100_000 }, failure, failure]).next, clock.now);
    await token();
    clock.advance(90_000);
    expect(await token()).toBe('one');
    clock.advance(10_000);
    await expect(token()).rejects.toBe(failure);
  });

  it('from a secret last as long as they say of themselves', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 1_000 })).toString('base64url');
    const jwt = `e30.${claims}.x`;
    const read = (value: string, now: number) =>
      secretTokens(
        { env: 'TOKEN' },
        async () => value,
        () => now,
      )();
    expect(await read(`${jwt}\n`, 5)).toEqual({ value: jwt, expiresAt: 1_000_000 });
    expect(await read('opaque', 5)).toEqual({ value: 'opaque', expiresAt: 300_005 });
    await expect(read(jwt, 1_000_000)).rejects.toMatchObject({ code: 'KAFKA_UNAUTHORIZED', class: 'config', unauthorized: true });
  });
});

describe('token endpoint', () => {
  const asked: { url: string; init: RequestInit }[] = [];
  const answer = (status: number, body: unknown): typeof fetch =>
    (async (url: string, init: RequestInit) => {
      asked.push({ url, init });
      return new Response(JSON.stringify(body), { status });
    }) as typeof fetch;
  const tokens = (fetch: typeof globalThis.fetch) =>
    endpointTokens(
      { tokenEndpoint: 'https://id.example/token', clientId: 'me:too', clientSecret: { env: 'S' }, scope: 'kafka', audience: 'brokers' },
      { secret: async () => 'sentinel/secret', fetch, now: () => 1_000 },
    )();

  it('is asked by client credentials', async () => {
    expect(await tokens(answer(200, { access_token: 'abc', expires_in: 60 }))).toEqual({ value: 'abc', expiresAt: 61_000 });
    const { url, init } = asked.at(-1)!;
    expect(url).toBe('https://id.example/token');
    expect(String(init.body)).toBe('grant_type=client_credentials&scope=kafka&audience=brokers');
    // RFC 6749 2.3.1: both are form-encoded before they are joined.
    expect((init.headers as Record<string, string>)['authorization']).toBe(
      `Basic ${Buffer.from('me%3Atoo:sentinel%2Fsecret').toString('base64')}`,
    );
  });

  for (const [status, expected] of [
    [401, { class: 'config', unauthorized: true }],
    [400, { class: 'config', unauthorized: true }],
    [503, { class: 'retriable' }],
    [429, { class: 'retriable' }],
  ] as const)
    it(`that answers ${status} is ${expected.class === 'config' ? 'for a person to see to' : 'asked again'}`, async () => {
      const failure = await tokens(answer(status, { error: 'sentinel/secret' })).catch((error: unknown) => error);
      expect(failure).toMatchObject(expected);
      expect(String(failure)).not.toContain('sentinel');
    });

  it('that cannot be reached or answers nonsense is asked again', async () => {
    const down = (async () => {
      throw new TypeError('fetch failed');
    }) as unknown as typeof fetch;
    await expect(tokens(down)).rejects.toMatchObject({ class: 'retriable' });
    await expect(tokens(answer(200, { token: 'abc' }))).rejects.toMatchObject({ class: 'retriable' });
  });
});
