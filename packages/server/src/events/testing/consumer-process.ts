// For tests: a process that handles messages of the subscription `crash-test`. Its first argument is the URL of the
// database. With a second one, it stops forever in the middle of the page in which it reaches that many messages, and
// reports that to its parent.
import { connect, localSignal, runLoops, silentLog, systemClock } from '../../base/index.ts';
import { createEvents, type Message } from '../index.ts';
import { insertHandled, insertSeen } from './store.ts';

const [url = '', stopAt = 'Infinity'] = process.argv.slice(2);
const db = connect({ url });
const events = createEvents({
  db,
  clock: systemClock,
  log: silentLog,
  changed: localSignal(),
  retentionSeconds: 3600,
});

const keysOf = (messages: readonly Message[]): string[] => messages.map(({ routingKey }) => routingKey);

const bindings = [{ exchange: 'exchange/a', routingKeyPattern: '#' }];
let handled = 0;
const loop = events.subscribe({
  name: 'crash-test',
  bindings: () => bindings,
  handle: async (tx, messages) => {
    const stopsHere = handled + messages.length > Number(stopAt);
    // An effect outside of the transaction, which stays when that is rolled back.
    const seen = stopsHere ? messages.slice(0, Math.ceil(messages.length / 2)) : messages;
    await insertSeen(db, process.pid, keysOf(seen));
    await insertHandled(tx, keysOf(messages));
    if (stopsHere) {
      process.send?.('in the middle of a page');
      await new Promise(() => {});
    }
    handled += messages.length;
  },
});
await events.start();
runLoops([...events.loops, loop], { clock: systemClock, log: silentLog });
// Its parent has ended, so it ends too.
process.on('disconnect', () => process.exit(1));
process.send?.('started');
