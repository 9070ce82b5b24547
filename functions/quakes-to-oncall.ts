import { connect } from 'sluice';
import { alert } from 'sluice/sinks/alert';

type Quake = { readonly properties: { readonly mag: number; readonly place: string } };

/** Tells the on-call channel about strong earthquakes. */
export const handler = connect<Quake>({
  sink: alert,
  transform: (record) => (record.value.properties.mag >= 5 ? record : null),
});
