import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Auth, Hooks, Secrets, WorkerManager } from '@taskyard/client';
import { aHome, type Platform } from './support/platform.ts';

// 16 editors change the same things at the same time, by two processes of a platform: no successful edit is lost.

const editors = 16;
const rounds = 8;
const expires = '2099-01-01T00:00:00.000Z';

let platform: Platform;
let auth: Auth;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  const home = await aHome({ after: (end) => endings.push(end) });
  platform = await home.start({ WORKER: 'false', PROCESSES: '2' });
  auth = new Auth(platform);
});
after(async () => {
  for (const end of endings) await end();
});

/** Runs an edit by each editor at the same time, many rounds; `edit` is given a text that no other edit has. */
const inRounds = async (
  edit: (n: number, text: string) => Promise<unknown>,
  check: (texts: readonly string[]) => Promise<void>,
): Promise<void> => {
  for (let round = 1; round <= rounds; round++) {
    const texts = Array.from({ length: editors }, (_, n) => `round ${round}, editor ${n}`);
    await Promise.all(texts.map((text, n) => edit(n, text)));
    await check(texts);
  }
};

/** How often each thing was done to an entity, by its audit history. */
const actionsOn = async (entityType: string, entityId: string): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  let continuationToken: string | undefined;
  do {
    const page = await auth.getEntityHistory(entityType, entityId, { continuationToken });
    for (const { actionType } of page.auditHistory) counts[actionType] = (counts[actionType] ?? 0) + 1;
    continuationToken = page.continuationToken;
  } while (continuationToken);
  return counts;
};

describe('edits of 16 editors at once are never swallowed', () => {
  it('of a client: its scopes, its description, its token and whether it is disabled', async () => {
    const clientId = 'edits/client';
    await auth.createClient(clientId, { description: '', expires, scopes: [] });
    const reading = 'auth:current-scopes';
    let token = '';
    let isDisabled = false;
    await inRounds(
      async (n, text) => {
        // An edit without scopes keeps those that another edit sets meanwhile.
        if (n === 0)
          return auth.updateClient(clientId, { description: text, expires, scopes: [reading, text] });
        if (n === 1)
          return (isDisabled ? auth.enableClient(clientId) : auth.disableClient(clientId)).then(Boolean);
        if (n === 2) token = (await auth.resetAccessToken(clientId)).accessToken;
        else return auth.updateClient(clientId, { description: text, expires });
      },
      async (texts) => {
        isDisabled = !isDisabled;
        const client = await auth.client(clientId);
        assert.deepEqual([...client.scopes].sort(), [reading, texts[0]]);
        assert.equal(client.disabled, isDisabled);
        assert.ok(texts.includes(client.description), client.description);
        if (isDisabled) return;
        const credentials = { clientId, accessToken: token };
        const { scopes } = await new Auth({ ...platform, credentials }).currentScopes();
        assert.ok(scopes.includes(texts[0] ?? ''));
      },
    );
    assert.deepEqual(await actionsOn('client', clientId), {
      created: 1,
      updated: rounds * (editors - 2),
      'access token reset': rounds,
      'client disabled': rounds / 2,
      'client enabled': rounds / 2,
    });
  });

  it('of roles: each one its own, and all of them one', async () => {
    const ids = Array.from({ length: editors }, (_, n) => `edits:${n}`);
    await Promise.all(ids.map((roleId) => auth.createRole(roleId, { description: '', scopes: [] })));
    await auth.createRole('edits:all', { description: '', scopes: [] });
    await inRounds(
      async (n, text) => {
        const role = { description: text, scopes: [`${text} a`, `${text} b`] };
        await Promise.all([auth.updateRole(ids[n] ?? '', role), auth.updateRole('edits:all', role)]);
      },
      async (texts) => {
        const roles = new Map((await auth.listRoles()).map((role) => [role.roleId, role]));
        for (const [n, text] of texts.entries()) {
          const role = roles.get(ids[n] ?? '');
          assert.deepEqual([role?.description, role?.scopes], [text, [`${text} a`, `${text} b`]]);
        }
        const { description = '', scopes } = roles.get('edits:all') ?? {};
        assert.ok(texts.includes(description));
        assert.deepEqual(scopes, [`${description} a`, `${description} b`]);
      },
    );
    assert.deepEqual(await actionsOn('role', 'edits:all'), { created: 1, updated: rounds * editors });
  });

  it('of a hook: an edit without bindings keeps them, and a new token stays', async () => {
    const hooks = new Hooks(platform);
    const hookOf = (description: string) => ({
      metadata: { name: 'edited', description, owner: 'nobody@example.com' },
      task: { description },
    });
    const bindingOf = (routingKeyPattern: string) => ({ exchange: 'exchange/other', routingKeyPattern });
    await hooks.createHook('edits', 'hook', hookOf(''));
    let token = '';
    await inRounds(
      async (n, text) => {
        if (n === 0)
          return hooks.updateHook('edits', 'hook', { ...hookOf(text), bindings: [bindingOf(text)] });
        if (n === 1) token = (await hooks.resetTriggerToken('edits', 'hook')).token;
        else return hooks.updateHook('edits', 'hook', hookOf(text));
      },
      async (texts) => {
        const hook = await hooks.hook('edits', 'hook');
        assert.deepEqual(hook.bindings, [bindingOf(texts[0] ?? '')]);
        assert.ok(texts.includes(hook.metadata.description));
        assert.deepEqual(hook.task, { description: hook.metadata.description });
        assert.equal((await hooks.getTriggerToken('edits', 'hook')).token, token);
      },
    );
    assert.deepEqual(await actionsOn('hook', 'edits/hook'), { created: 1, updated: rounds * (editors - 1) });
  });

  it('of a secret: one of them is kept, whole, and each is in its history', async () => {
    const secrets = new Secrets(platform);
    await inRounds(
      (n, text) =>
        secrets.set('edits/secret', {
          secret: { text },
          expires: `2099-01-${String(n + 1).padStart(2, '0')}T00:00:00.000Z`,
        }),
      async (texts) => {
        const { secret, expires: until } = await secrets.get('edits/secret');
        const n = texts.indexOf(String(secret.text));
        assert.equal(Number(until.slice(8, 10)), n + 1);
      },
    );
    const updated = rounds * editors - 1;
    assert.deepEqual(await actionsOn('secret', 'edits/secret'), { created: 1, updated });
  });

  it('of a worker pool: its description and its config are of the same edit', async () => {
    const manager = new WorkerManager(platform);
    const poolOf = (description: string) => ({
      providerId: 'static',
      description,
      owner: 'nobody@example.com',
      emailOnError: false,
      config: { workerConfig: { description } },
    });
    await manager.createWorkerPool('edits/pool', poolOf(''));
    await inRounds(
      (_, text) => manager.updateWorkerPool('edits/pool', poolOf(text)),
      async (texts) => {
        const { description, config } = await manager.workerPool('edits/pool');
        assert.ok(texts.includes(description));
        assert.deepEqual(config, { workerConfig: { description } });
      },
    );
    const updated = rounds * editors;
    assert.deepEqual(await actionsOn('worker-pool', 'edits/pool'), { created: 1, updated });
  });

  it('and of 16 that create one thing with different contents one succeeds, and the others are told', async () => {
    const hooks = new Hooks(platform);
    const manager = new WorkerManager(platform);
    const creations: Readonly<Record<string, (description: string) => Promise<unknown>>> = {
      client: (description) => auth.createClient('edits/new', { description, expires, scopes: [] }),
      role: (description) => auth.createRole('edits:new', { description, scopes: [] }),
      hook: (description) =>
        hooks.createHook('edits', 'new', {
          metadata: { name: 'new', description, owner: 'nobody@example.com' },
          task: {},
        }),
      pool: (description) =>
        manager.createWorkerPool('edits/new', {
          providerId: 'static',
          description,
          owner: 'nobody@example.com',
          emailOnError: false,
          config: {},
        }),
    };
    for (const [kind, create] of Object.entries(creations)) {
      const texts = Array.from({ length: editors }, (_, n) => `editor ${n}`);
      const ends = await Promise.allSettled(texts.map(create));
      const statuses = ends.map((end) => (end.status === 'fulfilled' ? 200 : end.reason.statusCode)).sort();
      assert.deepEqual(statuses, [200, ...Array.from({ length: editors - 1 }, () => 409)], kind);
    }
  });
});
