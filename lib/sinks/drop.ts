import { Type } from 'typebox';
import { defineSink } from '../core/sink.ts';

export const drop = defineSink({
  name: 'drop',
  summary: 'Delivers nothing anywhere and says delivered, to measure what comes before a sink. Every record is lost.',
  config: Type.Object({}),
  guarantees: () => ({ idempotent: true, ordered: true, deletes: true, partial: true }), // of nothing there is never a second or an older copy
  limits: () => ({ records: 100_000, bytes: 100_000_000 }),
  permissions: () => [],
  open: async () => ({
    write: async (records) => Array<'delivered'>(records.length).fill('delivered'),
  }),
});
