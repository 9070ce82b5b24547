import { connect } from 'sluice';
import { postgres } from 'sluice/sinks/postgres';

/** An earthquake of the USGS feed, flattened by the connector's ready-made transforms. */
type Quake = {
  readonly mag: number;
  readonly time: number;
  readonly updated: number;
  readonly coordinates: readonly [longitude: number, latitude: number, depth: number];
  readonly [property: string]: unknown;
};

/** One row per earthquake: coordinates as numbers, times as timestamps. */
export const handler = connect<Quake>({
  sink: postgres,
  transform: (record) => {
    const { coordinates, time, updated, ...properties } = record.value;
    const [longitude, latitude, depth] = coordinates;
    return { ...record, value: { ...properties, longitude, latitude, depth, time: new Date(time), updated: new Date(updated) } };
  },
});
