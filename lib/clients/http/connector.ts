import { buildConnector } from 'undici';

/** Connects as the client library does, and does not lose what a server says at the end of the handshake, such as that it wants another certificate. */
export function attentiveConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) => {
    connect(target, (...found) => {
      const [error, socket] = found;
      // A TLS socket lives on after an alert, until its end comes, and only of that would the library tell.
      if (error === null && target.protocol === 'https:') socket.once('error', (alert) => socket.destroy(alert));
      callback(...found);
    });
  };
}
