import KafkaConnection from 'kafkajs/src/network/connection.js';

const sizeBytes = 4;
const { connect, processData } = KafkaConnection.prototype;

// When a connection breaks in the middle of an answer, kafkajs keeps what it has of it and takes what comes over the next connection for
// the rest. From then on no answer is where it is looked for.
KafkaConnection.prototype.connect = function (): Promise<boolean> {
  if (!this.isConnected()) {
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = sizeBytes;
  }
  return connect.call(this);
};

// kafkajs reads answers where nobody catches what is thrown. One that cannot be read ends its connection, not the process.
KafkaConnection.prototype.processData = function (bytes: Buffer): void {
  try {
    processData.call(this, bytes);
  } catch (cause) {
    this.socket?.destroy(new Error('an answer of the broker could not be read', { cause }));
  }
};
