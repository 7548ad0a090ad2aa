import {
  type DatabaseFacts,
  oldestPostgres,
  readDatabaseFacts,
  readMigrations,
  readServerStates,
  type ServerState,
} from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

const clockWrongMs = 5000;
const clockOffMs = 500;

/** Connections besides those that serve the API: background work, the relay, listening and commands. */
const furtherConnections = 8;

const connectionsWanted = ({ processes, databasePoolSizeMax }: Config): number =>
  processes * (databasePoolSizeMax + 1) + furtherConnections;

/** What is wrong with the servers that a URL names. */
export const serverFindings = (states: readonly ServerState[]): Finding[] => {
  const away = states.filter(({ state }) => state === 'unreachable');
  const writable = states.filter(({ state }) => state === 'accepts writes');
  const findings = away.map(({ name, reason }) =>
    (writable.length > 0 ? warning : fault)(
      `${name} cannot be reached: ${reason}.`,
      'Start it, open the way to it, or correct host, port, user and password in DATABASE_URL.',
    ),
  );
  if (writable.length === 0 && away.length < states.length)
    findings.push(
      fault('None of the servers accepts writes.', 'Name the primary in DATABASE_URL, or promote a standby.'),
    );
  if (writable.length > 1)
    findings.push(
      fault(
        `${writable.map(({ name }) => name).join(' and ')} both accept writes.`,
        'Stop the former primary: what is written there is lost.',
      ),
    );
  return findings;
};

interface Expected {
  /** The numbers of all migrations of this version. */
  readonly migrations: readonly number[];
  readonly connections: number;
  readonly hasStandbys: boolean;
  readonly mayLose: boolean;
}

const migrationFinding = (facts: DatabaseFacts, { migrations }: Expected): Finding => {
  const newest = Math.max(0, ...facts.migrations);
  const known = Math.max(0, ...migrations);
  if (newest > known)
    return fault(`The database is at migration ${newest}, this version at ${known}.`, 'Use a newer version.');
  if (newest === known) return ok(`Migrations: all ${known} applied`);
  return facts.mayCreateTables
    ? ok(`Migrations: ${migrations.length - facts.migrations.length} to apply at the next start`)
    : fault(
        `Migrations are missing, and ${facts.role} may not apply them.`,
        'Run `tyard migrate` with the role that owns the tables.',
      );
};

const clockFinding = ({ clockAheadMs }: DatabaseFacts): Finding => {
  const seconds = `${(Math.abs(clockAheadMs) / 1000).toFixed(1)} s`;
  const message = `The clock of the database is ${seconds} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} ours.`;
  const todo = 'Let chrony or systemd-timesyncd run on both machines.';
  if (Math.abs(clockAheadMs) > clockWrongMs) return fault(message, todo);
  return Math.abs(clockAheadMs) > clockOffMs
    ? warning(message, todo)
    : ok('Clocks of database and machine agree');
};

const standbyFinding = ({ standbys, waitsForStandby }: DatabaseFacts): Finding =>
  standbys > 0 && waitsForStandby
    ? ok(`Standbys: ${standbys}; commits wait for a synchronous one`)
    : warning(
        'No synchronous standby follows the primary: a failover may lose what was acknowledged.',
        'Set synchronous_standby_names, or synchronous_mode in Patroni.',
      );

/** What is wrong with a database, given what it says of itself. */
export const databaseFindings = (facts: DatabaseFacts, expected: Expected): Finding[] => {
  const { version, versionNumber, role, encoding, connectionsMax, closedTables, unsafeSettings } = facts;
  const unsafe = `${unsafeSettings.join(', ')} off: acknowledged tasks may be lost.`;
  return [
    versionNumber < oldestPostgres * 10_000
      ? fault(`PostgreSQL is ${version}.`, `Upgrade it to ${oldestPostgres} or later.`)
      : ok(`PostgreSQL ${version}, as ${role}; ${Math.ceil(facts.bytes / 1_000_000)} MB`),
    ...(encoding === 'UTF8' ? [] : [fault(`Its encoding is ${encoding}.`, 'Create the database with UTF8.')]),
    ...(unsafeSettings.length === 0
      ? []
      : [(expected.mayLose ? warning : fault)(unsafe, 'Turn that on in postgresql.conf or for the role.')]),
    migrationFinding(facts, expected),
    ...(closedTables.length === 0
      ? []
      : [
          fault(
            `${role} may not read and write ${closedTables.slice(0, 3).join(', ')}${closedTables.length > 3 ? ', …' : ''}.`,
            `Run \`tyard migrate --grant-to ${role}\` with the role that owns the tables.`,
          ),
        ]),
    connectionsMax < expected.connections
      ? warning(
          `It allows ${connectionsMax} connections, and this configuration may open ${expected.connections}.`,
          'Raise max_connections, or lower DATABASE_POOL_SIZE or PROCESSES.',
        )
      : ok(`Connections: ${facts.connectionsUsed} of ${connectionsMax} in use`),
    clockFinding(facts),
    ...(expected.hasStandbys ? [standbyFinding(facts)] : []),
  ];
};

/** The servers of the database, and what the one that accepts writes says of itself. */
export const examineDatabase = async (config: Config): Promise<Finding[]> => {
  const { databaseUrl, databaseSessionUrl, databaseMayLose: mayLose } = config;
  if (databaseUrl === undefined) return [ok('The embedded one, which starts with the platform')];
  const url = databaseSessionUrl ?? databaseUrl;
  const states = await readServerStates(databaseUrl);
  const findings = serverFindings(states);
  if (findings.some(({ level }) => level === 'error')) return findings;
  try {
    const facts = await readDatabaseFacts(url);
    const migrations = (await readMigrations()).map(({ number }) => number);
    const connections = connectionsWanted(config);
    const hasStandbys = states.length > 1;
    return [...findings, ...databaseFindings(facts, { migrations, connections, hasStandbys, mayLose })];
  } catch (error) {
    const { message } = error as Error;
    return [...findings, fault(message, 'Correct DATABASE_URL or DATABASE_SESSION_URL.')];
  }
};
