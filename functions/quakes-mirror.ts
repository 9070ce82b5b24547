import { connect } from 'sluice';
import { kafkaTopic } from 'sluice/sinks/kafka-topic';

/** Earthquakes in a second cluster: nothing looks into them, so key and value stay the bytes that they are. */
export const handler = connect({ sink: kafkaTopic });
