import { connect } from 'sluice';
import { elasticsearch } from 'sluice/sinks/elasticsearch';

type Quake = { readonly properties: object; readonly geometry: { readonly coordinates: readonly number[] } };

/** Every earthquake as a document with a place on the map. */
export const handler = connect<Quake>({
  sink: elasticsearch,
  transform: (record) => {
    const [lon, lat, depth] = record.value.geometry.coordinates;
    return { ...record, value: { ...record.value.properties, depth, location: { lat, lon } } };
  },
});
