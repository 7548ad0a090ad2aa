import {
  type Clock,
  type Database,
  type Encryption,
  hours,
  type Logger,
  later,
  type Signal,
  seconds,
} from '../base/index.ts';
import { compileRoles, type RoleSet, type ScopeSet } from './scopes/index.ts';
import * as store from './store.ts';

/** A client as authentication needs it. */
export interface KnownClient {
  readonly clientId: string;
  readonly accessToken: string;
  readonly scopes: readonly string[];
  readonly expires: Date;
  readonly disabled: boolean;
  lastDateUsed: Date;
}

/**
 * Clients and roles in memory. A change by this process shows at once, one by another process as soon as its wake-up is
 * here; should that get lost, within a second or so on a busy server, and never later than `ageMaxMs` after it.
 */
export interface Directory {
  /** Reads what has changed, when the last look was long ago. Call it before the others. */
  prepare(): Promise<void>;
  /** Looks for changes now; returns whether there were any. */
  refresh(): Promise<boolean>;
  /** A change was committed by this process. */
  changed(): Promise<void>;
  findClient(clientId: string): Promise<KnownClient | undefined>;
  expand(scopes: readonly string[]): ScopeSet;
  /** The same for scopes that somebody sent: nothing of them is remembered. */
  expandOnce(scopes: readonly string[]): ScopeSet;
  /** Counts the changes: what was worked out under another number is out of date. */
  generation(): number;
  /** Notes in the background that a client was used, at most every six hours for each client. */
  noteUse(client: KnownClient): void;
  /** Resolves when nothing is left to write. */
  idle(): Promise<void>;
}

export interface DirectoryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  /** Woken by changes, those of other processes too when it is shared. */
  readonly changed?: Signal | undefined;
}

const lookEveryMs = seconds(1);
const ageMaxMs = seconds(5);
const noteUseEveryMs = hours(6);

export const createDirectory = ({ db, clock, log, encryption, changed }: DirectoryDeps): Directory => {
  const clients = new Map<string, Promise<KnownClient | undefined>>();
  let roles: RoleSet | undefined;
  let known: store.Versions = { clients: -1, roles: -1 };
  let lookedAt = Number.NEGATIVE_INFINITY;
  let generation = 0;
  let heardChanges = 0;
  let looking: Promise<boolean> | undefined;

  // The versions are read first: data read after them can only be newer, which the next look will mend.
  const look = async (): Promise<boolean> => {
    const before = generation;
    for (let seen = -1; seen !== heardChanges; ) {
      seen = heardChanges;
      const at = clock.now().getTime();
      const versions = await store.readVersions(db);
      if (versions.roles !== known.roles) {
        roles = compileRoles(await store.readRoles(db));
        generation++;
      }
      if (versions.clients !== known.clients) {
        clients.clear();
        generation++;
      }
      known = versions;
      lookedAt = at;
    }
    return generation !== before;
  };

  const refresh = (): Promise<boolean> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  const refreshSoon = (): void => {
    refresh().catch((err) => log.error({ err }, 'clients and roles could not be read'));
  };

  changed?.each(() => {
    heardChanges++;
    refreshSoon();
  });

  const prepare = async (): Promise<void> => {
    const ageMs = clock.now().getTime() - lookedAt;
    // A look that lies in the future was made before the clock was set back.
    if (!roles || ageMs > ageMaxMs || ageMs < 0) await refresh();
    else if (ageMs > lookEveryMs) refreshSoon();
  };

  const loadClient = async (clientId: string): Promise<KnownClient | undefined> => {
    const row = await store.readClient(db, clientId);
    if (!row) return undefined;
    const { scopes, expires, disabled, lastDateUsed } = row;
    return {
      clientId,
      accessToken: encryption.decrypt(row.accessToken),
      scopes,
      expires,
      disabled,
      lastDateUsed,
    };
  };

  const findClient = (clientId: string): Promise<KnownClient | undefined> => {
    const found = clients.get(clientId);
    if (found) return found;
    const loading = loadClient(clientId);
    clients.set(clientId, loading);
    const forget = (): void => {
      if (clients.get(clientId) === loading) clients.delete(clientId);
    };
    // An id that nobody has is not remembered: it may be taken by another process in a moment.
    loading.then((client) => client ?? forget(), forget);
    return loading;
  };

  let used = new Set<string>();
  let noting: Promise<void> | undefined;
  const noteUses = async (): Promise<void> => {
    while (used.size > 0) {
      const clientIds = [...used];
      used = new Set();
      const now = clock.now();
      await store.noteUses(db, { clientIds, now, before: later(now, -noteUseEveryMs) });
    }
  };

  const rolesNow = (): RoleSet => {
    if (!roles) throw new Error('Scopes were expanded before the roles had been read.');
    return roles;
  };

  return {
    prepare,
    refresh,
    changed: async () => {
      heardChanges++;
      await refresh();
      changed?.wake();
    },
    findClient,
    expand: (scopes) => rolesNow().expand(scopes),
    expandOnce: (scopes) => rolesNow().expandOnce(scopes),
    generation: () => generation,
    noteUse: (client) => {
      const now = clock.now();
      if (now.getTime() - client.lastDateUsed.getTime() < noteUseEveryMs) return;
      client.lastDateUsed = now;
      used.add(client.clientId);
      noting ??= noteUses()
        .catch((err) => log.warn({ err }, 'the last use of clients could not be noted'))
        .finally(() => {
          noting = undefined;
        });
    },
    idle: async () => {
      await noting;
    },
  };
};
