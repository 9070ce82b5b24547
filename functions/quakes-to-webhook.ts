import { connect } from 'sluice';
import { webhook } from 'sluice/sinks/webhook';

type Quake = { readonly properties: { readonly mag: number | null; readonly place: string | null } };

/** Earthquakes that people may have felt, to whoever listens. */
export const handler = connect<Quake>({
  sink: webhook,
  transform: (record) => ((record.value.properties.mag ?? 0) >= 3 ? { ...record, value: record.value.properties } : null),
});
