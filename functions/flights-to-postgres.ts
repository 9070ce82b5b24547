import { connect } from 'sluice';
import { postgres } from 'sluice/sinks/postgres';

/** Flights go into their table as they are: without a transform the bytes of a record reach the database unchanged. */
export const handler = connect({ sink: postgres });
