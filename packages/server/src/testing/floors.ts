import { hours, type Loop, later, localSignal, type ManualClock, silentLog } from '../base/index.ts';
import { claimLockingOfTests } from './database.ts';

/** A domain as tests call it: its verbs, and beside them all else that it gives. */
export type Opened<D extends { readonly verbs: object }> = D['verbs'] & Omit<D, 'verbs'>;

/** For tests: puts the verbs of a domain beside all else that it gives. */
export const opened = <D extends { readonly verbs: object }>({ verbs, ...rest }: D): Opened<D> =>
  ({ ...verbs, ...rest }) as unknown as Opened<D>;

/** What a queue is opened with where its neighbours are no part of the test. */
export const queueAlone = () => ({
  settings: {
    claimTimeoutSeconds: 1200,
    deadlineDelaySeconds: 60,
    deadlineDaysMax: 5,
    dependenciesMax: 10_000,
    longPollSeconds: 20,
    claimLocking: claimLockingOfTests,
  },
  pendingChanged: localSignal(),
  placesTaken: localSignal(),
  releaseStarted: localSignal(),
  runsLost: localSignal(),
  onResolved: async () => {},
  onDeleted: async () => {},
  issueCredentials: ({ clientId }: { clientId: string }) => ({
    clientId,
    accessToken: 'secret',
    certificate: '{}',
  }),
  authenticate: async () => ({ ...tester, scopes: ['*'], satisfies: () => true }),
  isQuarantined: () => false,
  quarantinesKnown: localSignal(),
  seeWorkers: () => {},
});

/** What endpoints are served with, besides who is let in; replies are held to their schemas. */
export const servedOn = (clock: ManualClock) => ({
  clock,
  log: silentLog,
  process: { uptimeSeconds: () => 1, version: 'test', reachDatabase: async () => {}, isLeaving: () => false },
  checkReplies: true,
});

/** A caller but for the scopes. */
export const tester = { clientId: 'tester', isAnonymous: false, expires: new Date(8.64e15) };

/** One step of the loop of this name, as large as it may be; returns how many things it did. */
export const stepOf =
  (loops: readonly Loop[]) =>
  (name: string): Promise<number> => {
    const loop = loops.find((each) => each.name === name);
    if (!loop) throw new Error(`There is no loop ${name}.`);
    return loop.step(loop.limit);
  };

/** What a task needs at least, as validation leaves it, but for its task queue. */
export const plainTask = (now: Date) => ({
  schedulerId: '-',
  projectId: 'none',
  dependencies: [],
  requires: 'all-completed' as const,
  routes: [],
  priority: 'lowest' as const,
  retries: 5,
  created: now.toJSON(),
  deadline: later(now, hours(1)).toJSON(),
  scopes: [],
  payload: {},
  metadata: {
    name: 'A task',
    description: 'Made by a test.',
    owner: 'somebody@example.com',
    source: 'https://example.com/source',
  },
  tags: {},
  extra: {},
});
