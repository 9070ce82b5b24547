import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';

type Quake = { readonly properties: { readonly mag: number; readonly place: string } };

/** Tells about strong earthquakes. */
export const handler = connect<Quake>({
  sink: consoleSink,
  transform: (record) => (record.value.properties.mag >= 5 ? record : null),
});
