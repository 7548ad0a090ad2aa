import { type BaseContext, type Encryption, hours, later, type Signal, seconds } from '../base/index.ts';
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

interface DirectoryContext extends Pick<BaseContext, 'db' | 'clock' | 'log'> {
  readonly encryption: Encryption;
  /** Woken by changes, also those of other processes when it is shared. */
  readonly changed?: Signal | undefined;
}

const lookEveryMs = seconds(1);
const ageMaxMs = seconds(5);
const noteUseEveryMs = hours(6);

/**
 * Clients and roles in memory. A change by this process shows at once, one by another process when its wake-up arrives. If
 * the wake-up is lost, it shows within about a second on a busy server, and after `ageMaxMs` at the latest.
 */
export class Directory {
  readonly #deps: DirectoryContext;
  readonly #clients = new Map<string, Promise<KnownClient | undefined>>();
  #roles: RoleSet | undefined;
  #versions: store.Versions = { clients: -1, roles: -1 };
  #lookedAt = Number.NEGATIVE_INFINITY;
  #generation = 0;
  #changesHeard = 0;
  #looking: Promise<boolean> | undefined;
  #used = new Set<string>();
  #noting: Promise<void> | undefined;

  constructor(deps: DirectoryContext) {
    this.#deps = deps;
    deps.changed?.each(() => {
      this.#changesHeard++;
      this.#refreshSoon();
    });
  }

  /** Reads changes when the last read was too long ago. Call it before the other methods. */
  async prepare(): Promise<void> {
    const ageMs = this.#deps.clock.now().getTime() - this.#lookedAt;
    // A read that is in the future happened before the clock was set back.
    if (!this.#roles || ageMs > ageMaxMs || ageMs < 0) await this.refresh();
    else if (ageMs > lookEveryMs) this.#refreshSoon();
  }

  /** Reads changes now; returns whether there were any. Calls during a read share its result. */
  refresh(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** To be called after this process has committed a change. Resolves when it shows here, and wakes other processes. */
  async changed(): Promise<void> {
    this.#changesHeard++;
    await this.refresh();
    this.#deps.changed?.wake();
  }

  findClient(clientId: string): Promise<KnownClient | undefined> {
    const found = this.#clients.get(clientId);
    if (found) return found;
    const loading = this.#loadClient(clientId);
    this.#clients.set(clientId, loading);
    const forget = (): void => {
      if (this.#clients.get(clientId) === loading) this.#clients.delete(clientId);
    };
    // Unknown ids are not cached, since another process may create the client any moment.
    loading.then((client) => client ?? forget(), forget);
    return loading;
  }

  /** Scopes, and everything that roles add to them. */
  expand(scopes: readonly string[]): ScopeSet {
    return this.#requireRoles().expand(scopes);
  }

  /** The same for scopes that a caller sent: nothing is cached. */
  expandOnce(scopes: readonly string[]): ScopeSet {
    return this.#requireRoles().expandOnce(scopes);
  }

  /** Counts the changes. What was computed at another count is out of date. */
  generation(): number {
    return this.#generation;
  }

  /** Records in the background that a client was used, at most every six hours for each client. */
  noteUse(client: KnownClient): void {
    const { clock, log } = this.#deps;
    const now = clock.now();
    if (now.getTime() - client.lastDateUsed.getTime() < noteUseEveryMs) return;
    client.lastDateUsed = now;
    this.#used.add(client.clientId);
    this.#noting ??= this.#noteUses()
      .catch((err) => log.warn({ err }, 'the last use of clients could not be noted'))
      .finally(() => {
        this.#noting = undefined;
      });
  }

  /** Resolves when nothing is left to write. */
  async idle(): Promise<void> {
    await this.#noting;
  }

  #refreshSoon(): void {
    this.refresh().catch((err) => this.#deps.log.error({ err }, 'clients and roles could not be read'));
  }

  /** Reads until no further change arrived during the read; returns whether anything was new. */
  async #look(): Promise<boolean> {
    const before = this.#generation;
    for (let seen = -1; seen !== this.#changesHeard; ) {
      seen = this.#changesHeard;
      await this.#lookOnce();
    }
    return this.#generation !== before;
  }

  // The versions are read first: data that is read after them can only be newer, which the next read corrects.
  async #lookOnce(): Promise<void> {
    const { db, clock } = this.#deps;
    const at = clock.now().getTime();
    const versions = await store.readVersions(db);
    if (versions.roles !== this.#versions.roles) {
      this.#roles = compileRoles(await store.readRoles(db));
      this.#generation++;
    }
    if (versions.clients !== this.#versions.clients) {
      this.#clients.clear();
      this.#generation++;
    }
    this.#versions = versions;
    this.#lookedAt = at;
  }

  async #loadClient(clientId: string): Promise<KnownClient | undefined> {
    const { db, encryption } = this.#deps;
    const row = await store.readClient(db, clientId);
    if (!row) return undefined;
    const { scopes, expires, disabled, lastDateUsed } = row;
    const accessToken = encryption.decrypt(row.accessToken);
    return { clientId, accessToken, scopes, expires, disabled, lastDateUsed };
  }

  async #noteUses(): Promise<void> {
    while (this.#used.size > 0) {
      const clientIds = [...this.#used];
      this.#used = new Set();
      const now = this.#deps.clock.now();
      await store.noteUses(this.#deps.db, { clientIds, now, before: later(now, -noteUseEveryMs) });
    }
  }

  #requireRoles(): RoleSet {
    if (!this.#roles) throw new Error('Scopes were expanded before the roles had been read.');
    return this.#roles;
  }
}
