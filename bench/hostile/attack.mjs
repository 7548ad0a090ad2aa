// A process that sends the worst requests of one kind of caller, on several connections, until it is told to end.
//   node attack.mjs '{"rootUrl": …, "kind": "unsigned", "connections": 4}'
import { openConnection } from '../http.mjs';
import { unauthorised, unsigned } from './requests.mjs';

const { rootUrl, kind, connections, credentials } = JSON.parse(process.argv[2]);
const makers = kind === 'unsigned' ? unsigned(rootUrl) : unauthorised(rootUrl, credentials);
const sent = {};

/** Requests are made before: to make one takes longer than to refuse it. Some of each kind, as all differ. */
const copies = 4;
const requests = Object.entries(makers).flatMap(([name, make]) =>
  Array.from({ length: copies }, () => ({ name, bytes: make() })),
);

const attack = async (first) => {
  const connection = openConnection(rootUrl);
  for (let i = first; ; i++) {
    const { name, bytes } = requests[i % requests.length];
    // What becomes of it is the server's affair; that it may end the connection is among that.
    const status = await connection.exchange(bytes).then(
      (answer) => answer.status,
      () => 'cut off',
    );
    const key = `${name}: ${status}`;
    sent[key] = (sent[key] ?? 0) + 1;
  }
};

process.once('message', () => process.send(sent, () => process.exit()));
process.once('disconnect', () => process.exit());
process.send('ready');
for (let i = 0; i < connections; i++) void attack(Math.floor((i * requests.length) / connections));
