import { connect } from 'sluice';
import { objectStorage } from 'sluice/sinks/object-storage';

/** Every earthquake as it came, in one directory per day of the quake. */
export const handler = connect({ sink: objectStorage });
