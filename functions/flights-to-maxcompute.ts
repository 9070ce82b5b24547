import { connect } from 'sluice';
import { maxcompute } from 'sluice/sinks/maxcompute';

/** Flights go into a table of MaxCompute, each field in the column of its name and each day in a partition. */
export const handler = connect({ sink: maxcompute });
