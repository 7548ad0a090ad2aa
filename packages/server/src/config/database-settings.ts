import { choice, optionalUrl, toggle, whole } from './setting-shapes.ts';

const postgres = ['postgres(ql)?', 'a URL that starts with postgres://'] as const;

/** Where the database is, and how it is reached. */
export const databaseSettings = {
  databaseUrl: optionalUrl(...postgres, {
    env: 'DATABASE_URL',
    secret: true,
    description:
      'A PostgreSQL of your own, 15 or later; by default an embedded one is started. Several hosts, as in ' +
      '`postgres://user:password@one:5432,two:5432/name`, are those of a primary and its standbys.',
  }),
  databaseSessionUrl: optionalUrl(...postgres, {
    env: 'DATABASE_SESSION_URL',
    secret: true,
    description:
      'The same database without a pooler. Needed when `databaseUrl` leads to one that pools transactions, as PgBouncer ' +
      'does: notifications and migrations need a session.',
  }),
  databaseMayLose: toggle({
    env: 'DATABASE_MAY_LOSE',
    default: false,
    description:
      'Start although the PostgreSQL of your own has `fsync`, `full_page_writes` or `synchronous_commit` off, and so may ' +
      'lose what it has committed.',
  }),
  claimLocking: choice(['skip-locked', 'guarded-delete'], {
    env: 'CLAIM_LOCKING',
    default: 'skip-locked',
    description:
      'How processes that claim runs of one task queue keep out of each other’s way: each skips the rows that another one has ' +
      'locked, or waits for it and reads again. The latter is for an engine without `skip locked`: no statement has it then.',
  }),
  databasePoolSizeMax: whole(1, 1000, {
    env: 'DATABASE_POOL_SIZE',
    default: 10,
    description: 'Connections to the database that each process opens at most.',
  }),
};
