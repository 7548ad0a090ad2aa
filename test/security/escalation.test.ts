import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTemporaryCredentials, slugid } from '@taskyard/client';
import type { ScopeTemplate } from '@taskyard/server';
import type { Keys } from './hawk.ts';
import { bewitParts, withBewit } from './hawk.ts';
import { type Answer, aSite, type Site } from './site.ts';
import {
  aClientOf,
  allBut,
  aTask,
  aWorld,
  bodyFor,
  hourFromNow,
  leavesOf,
  type Method,
  methods,
  parametersOf,
  pathOf,
  valuesFor,
  type World,
} from './world.ts';

const auth = '/api/auth/v1';
const queue = '/api/queue/v1';

let site: Site;
let world: World;
const endings: (() => Promise<void>)[] = [];

before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
  world = await aWorld(site);
});
after(async () => {
  for (const end of endings) await end();
});

const aClient = (scopes: readonly string[]): Promise<Keys> => aClientOf(site, scopes);

interface Issue {
  readonly scopes: readonly string[];
  readonly clientId?: string;
  readonly start?: Date;
  readonly expiry?: Date;
}

/** Temporary credentials of an issuer. */
const issue = async (issuer: Keys, wanted: Issue): Promise<Keys & { certificate: object }> => {
  const start = new Date(Date.now() - 60_000);
  const expiry = new Date(Date.now() + 3_600_000);
  const credentials = { clientId: issuer.clientId, accessToken: issuer.accessToken };
  const issued = await createTemporaryCredentials({ credentials, start, expiry, ...wanted });
  return { ...issued, certificate: JSON.parse(issued.certificate) as object };
};

const scopesOf = (answer: Answer): string[] => {
  assert.equal(answer.status, 200, answer.text);
  return (answer.body.scopes as string[]).filter((scope) => scope !== 'assume:anonymous');
};
const currentScopes = (as: Keys): Promise<Answer> => site.ask({ path: `${auth}/scopes/current`, as });

/** The call is refused with this code, and no row of any table is another one. */
const refused = async (code: string, call: () => Promise<Answer>): Promise<void> => {
  const earlier = await site.state();
  const answer = await call();
  assert.equal(answer.body.code, code, `${answer.status} ${answer.text}`);
  assert.deepEqual(await site.state(), earlier);
};
const lacksScopes = (call: () => Promise<Answer>) => refused('InsufficientScopes', call);
const fails = (call: () => Promise<Answer>) => refused('AuthenticationFailed', call);

const put = (as: Keys, path: string, body: unknown) => site.ask({ method: 'PUT', path, as, body });
const post = (as: Keys, path: string, body?: unknown) => site.ask({ method: 'POST', path, as, body });

/** The scopes that a caller of a method may lack: all of them, and each one alone. */
const lacks = (template: ScopeTemplate): { name: string; leaves: string[] }[] => {
  const all = { name: leavesOf(template).join(', '), leaves: leavesOf(template) };
  if (typeof template === 'string' || !('AllOf' in template) || template.AllOf.length < 2) return [all];
  // A list in the body may be empty: what it asks for has tests of its own.
  const parts = template.AllOf.filter((part) => typeof part === 'string' || 'AnyOf' in part);
  return [all, ...parts.map((part) => ({ name: leavesOf(part).join(', '), leaves: leavesOf(part) }))];
};

const isFor = (part: ScopeTemplate): boolean => typeof part === 'object' && 'for' in part;
const isForLists = (template: ScopeTemplate): boolean =>
  typeof template === 'object' && 'AllOf' in template && template.AllOf.every(isFor);

describe('a method refuses callers who lack a scope that it needs', () => {
  const callers = new Map<string, Promise<Keys>>();
  const callerWithout = (leaves: readonly string[]): Promise<Keys> => {
    const scopes = allBut(leaves);
    const known = callers.get(scopes.join()) ?? aClient(scopes);
    callers.set(scopes.join(), known);
    return known;
  };
  const cases = methods.flatMap((method) =>
    method.contract.scopes === undefined
      ? []
      : lacks(method.contract.scopes).map((lack) => ({ method, ...lack })),
  );

  // Some of what is asked for is known only from what is stored: without it a method may say that there is nothing.
  const isKnown = ({ contract }: Method) => parametersOf(contract).every((name) => name in world);

  it('whatever other scopes they have, and changes nothing', async () => {
    for (const { leaves } of cases) await callerWithout(leaves);
    const earlier = await site.state();
    const wrong: string[] = [];
    for (const { method, name, leaves } of cases) {
      const path = pathOf(method, valuesFor(method, world));
      const as = await callerWithout(leaves);
      const isSelective = isForLists(method.contract.scopes as ScopeTemplate);
      const bodies = method.contract.input
        ? [bodyFor(method, false, world), bodyFor(method, true, world)]
        : [undefined];
      const answers = await Promise.all(
        (isSelective ? bodies.slice(-1) : bodies).map((body) =>
          site.ask({ method: method.contract.method, path, as, body }),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      // cancelTaskGroup tells that a group is not sealed before it asks for scopes, as the original does.
      const earlierRefusal = method.title === 'queue.cancelTaskGroup' ? 409 : 403;
      const isRefused = statuses.some(
        (status) => status === 403 || status === earlierRefusal || (status === 404 && !isKnown(method)),
      );
      if (!isRefused || statuses.some((status) => status < 400 || status >= 500))
        wrong.push(
          `${method.title} without ${name}: ${answers.map(({ text }) => text.slice(0, 600)).join('\n')}`,
        );
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await site.state(), earlier);
    assert.ok(cases.length >= methods.length - 10, `${cases.length} cases`);
  });

  it('nor those whose scopes are a letter too long, too short or for something else', async () => {
    const { taskId, clientId } = world;
    const near = await aClient([
      `queue:resolve-task:${taskId}/1`,
      `queue:resolve-task:${taskId}`,
      `queue:resolve-task:${taskId}/0x`,
      `queue:resolve-task:*/0`,
      `auth:delete-client:${clientId}x`,
      `auth:delete-client:${clientId}/*`,
      'auth:delete-client:',
      'Auth:delete-client:*',
      ' *',
    ]);
    await lacksScopes(() => post(near, `${queue}/task/${taskId}/runs/0/completed`));
    await lacksScopes(() => site.ask({ method: 'DELETE', path: `${auth}/clients/${clientId}`, as: near }));
  });

  it('nor anybody without credentials', async () => {
    const earlier = await site.state();
    const mutations = methods.filter(({ contract }) => contract.scopes && contract.method !== 'GET');
    for (const method of mutations) {
      const path = pathOf(method, valuesFor(method, world));
      const body = bodyFor(method, true, world);
      const { status, text } = await site.ask({ method: method.contract.method, path, body });
      assert.ok(status >= 400 && status < 500, `${method.title}: ${status} ${text}`);
    }
    assert.deepEqual(await site.state(), earlier);
  });
});

describe('callers cannot grant scopes that they lack', () => {
  const granter = () =>
    aClient([
      'auth:create-client:made/*',
      'auth:update-client:made/*',
      'auth:create-role:made/*',
      'auth:update-role:made/*',
      'held:*',
    ]);
  const client = (scopes: readonly string[]) => ({ description: '', expires: hourFromNow(1), scopes });
  const role = (scopes: readonly string[]) => ({ description: '', scopes });
  const lacked = [['*'], ['hel*'], ['held'], ['held:a', 'other'], ['assume:secure'], ['a*'], ['']];

  it('by creating a client or a role', async () => {
    const as = await granter();
    for (const scopes of lacked) {
      await lacksScopes(() => put(as, `${auth}/clients/made%2Fone`, client(scopes)));
      await lacksScopes(() => put(as, `${auth}/roles/made%2Fone`, role(scopes)));
    }
    for (const scopes of [['**'], ['held:**']]) {
      await refused('InputError', () => put(as, `${auth}/clients/made%2Fone`, client(scopes)));
    }
  });

  it('by changing a client or a role', async () => {
    const as = await granter();
    const [clientPath, rolePath] = [`${auth}/clients/made%2Ftwo`, `${auth}/roles/made%2Ftwo`];
    assert.equal((await put(as, clientPath, client(['held:a']))).status, 200);
    assert.equal((await put(as, rolePath, role(['held:a']))).status, 200);
    for (const scopes of lacked) {
      await lacksScopes(() => post(as, clientPath, client([...new Set(['held:a', ...scopes])])));
      await lacksScopes(() => post(as, rolePath, role([...new Set(['held:a', ...scopes])])));
    }
  });

  it('by a role whose name is a pattern, or whose scopes are filled in later', async () => {
    const as = await aClient(['auth:create-role:made/*', 'auth:update-role:made/*', 'held:*']);
    const path = `${auth}/roles/${encodeURIComponent('made/pattern-*')}`;
    for (const scopes of [['<..>'], ['hel<..>'], ['other:<..>'], ['assume:<..>'], ['assume:made/<..>']]) {
      await lacksScopes(() => put(as, path, role(scopes)));
    }
    assert.equal((await put(as, path, role(['held:<..>']))).status, 200);
    for (const scopes of [['other:<..>'], ['<..>'], ['hel<..>:']]) {
      await lacksScopes(() => post(as, path, role(['held:<..>', ...scopes])));
    }
    const expand = (scopes: string[]) => post(site.root, `${auth}/scopes/expand`, { scopes });
    assert.deepEqual(scopesOf(await expand(['assume:made/pattern-x'])), ['assume:made/pattern-x', 'held:x']);
    assert.deepEqual(scopesOf(await expand(['assume:made/pattern-*'])), ['assume:made/pattern-*', 'held:*']);
  });

  it('by a role that fills in a scope which the caller has only with its literal parameter', async () => {
    await site.prepare('PUT', `${auth}/roles/open`, role(['open:<..>']));
    const as = await aClient(['auth:create-role:made/*', 'auth:update-role:made/*', 'assume:open']);
    const path = `${auth}/roles/${encodeURIComponent('made/open-*')}`;
    await lacksScopes(() => put(as, path, role(['open:<..>'])));
    assert.equal((await put(as, path, role([]))).status, 200);
    await lacksScopes(() => post(as, path, role(['open:<..>'])));
  });

  it('by a role that gets the scopes that other roles give to its name', async () => {
    await site.prepare('PUT', `${auth}/roles/${encodeURIComponent('made/over*')}`, role(['over:a']));
    const path = `${auth}/roles/${encodeURIComponent('made/over-x-*')}`;
    const as = await aClient(['auth:create-role:made/*', 'auth:update-role:made/*']);
    assert.equal((await put(as, path, role([]))).status, 200);
    await lacksScopes(() => post(as, path, role(['over:a'])));
  });

  it('by turning the end of a parameterised scope into something that the role did not give', async () => {
    const path = `${auth}/roles/${encodeURIComponent('made/turned-*')}`;
    await site.prepare('PUT', path, role(['kept:<..>']));
    const as = await aClient(['auth:update-role:made/*', 'assume:made/turned-x']);
    for (const scopes of [['kept:<..>/more'], ['kept:admin'], ['kept:*'], ['kept:<..>', 'kept:<..>*']]) {
      await lacksScopes(() => post(as, path, role(scopes)));
    }
    assert.equal((await post(as, path, { ...role(['kept:<..>']), description: 'the same' })).status, 200);
    assert.equal((await post(as, path, role([]))).status, 200);
  });

  it('by enabling, resetting, deleting and taking the place of others', async () => {
    const as = await granter();
    const strong = await aClient(['*']);
    const path = `${auth}/clients/${encodeURIComponent(strong.clientId)}`;
    for (const verb of ['enable', 'disable', 'reset']) await lacksScopes(() => post(as, `${path}/${verb}`));
    await lacksScopes(() => site.ask({ method: 'DELETE', path, as }));
    await lacksScopes(() => put(as, path, client(['*'])));
    const all = await aClient(['auth:*']);
    for (const [method, suffix] of [
      ['PUT', ''],
      ['POST', ''],
      ['POST', '/reset'],
      ['POST', '/enable'],
      ['DELETE', ''],
    ] as const) {
      const body = suffix === '' && method !== 'DELETE' ? client([]) : undefined;
      const target = `${auth}/clients/${encodeURIComponent('static/taskcluster/root')}${suffix}`;
      await refused('InputError', () => site.ask({ method, path: target, as: all, body }));
    }
  });

  it('by a task: its creator needs its scopes, routes, queue, priority, scheduler and project', async () => {
    const enough = [
      'queue:create-task:low:secure/tasks',
      'queue:scheduler-id:secure',
      'queue:create-task:project:secure',
      'held:*',
      'queue:route:held.*',
    ];
    const as = await aClient(enough);
    const path = () => `${queue}/task/${slugid()}`;
    const low = (more: object) => aTask({ priority: 'low', ...more });
    const beyond = [
      { scopes: ['*'] },
      { scopes: ['held:a', 'other'] },
      { scopes: ['assume:secure'] },
      { routes: ['other.a'] },
      { routes: ['held.a', 'index.other'] },
      { priority: 'high' },
      { taskQueueId: 'secure/others' },
      { schedulerId: 'others' },
      { projectId: 'others' },
    ];
    for (const more of beyond) await lacksScopes(() => put(as, path(), low(more)));
    const group = (tasks: object[]) =>
      post(as, `${queue}/task-group/${slugid()}/tasks`, {
        tasks: tasks.map((task) => ({ taskId: slugid(), task })),
      });
    for (const more of beyond) {
      const earlier = await site.state();
      const { status, text } = await group([low({}), low(more)]);
      assert.equal(status, 403, text);
      assert.deepEqual(await site.state(), earlier);
    }
    const fine = low({ scopes: ['held:a'], routes: ['held.a'] });
    assert.equal((await put(as, path(), fine)).status, 200);
    assert.equal((await group([fine])).status, 200);
  });
});

describe('temporary credentials', () => {
  const scopes = ['auth:current-scopes', 'held:*'];
  const anIssuer = (more: readonly string[] = []) =>
    aClient([...scopes, 'auth:create-client:temp/*', ...more]);

  it('have no more than their issuer, and a name that it may give', async () => {
    const issuer = await anIssuer();
    for (const beyond of [['*'], ['other'], ['hel*'], [...scopes, 'other'], ['assume:secure']]) {
      await fails(async () => currentScopes(await issue(issuer, { scopes: beyond })));
      await fails(async () => currentScopes(await issue(issuer, { scopes: beyond, clientId: 'temp/a' })));
    }
    for (const clientId of ['temp', 'other/a', 'static/taskcluster/root']) {
      await fails(async () => currentScopes(await issue(issuer, { scopes, clientId })));
    }
    const named = await issue(issuer, { scopes, clientId: 'temp/a' });
    assert.deepEqual(scopesOf(await currentScopes(named)), scopes);
    await fails(() => currentScopes({ ...named, clientId: 'temp/b' }));
    await fails(() => currentScopes({ ...named, clientId: issuer.clientId }));
  });

  it('issue no others', async () => {
    const issuer = await anIssuer();
    const named = await issue(issuer, {
      scopes: [...scopes, 'auth:create-client:temp/*'],
      clientId: 'temp/a',
    });
    const { certificate: _, ...asIssuer } = named;
    for (const wanted of [{ scopes }, { scopes, clientId: 'temp/b' }]) {
      await fails(async () => currentScopes(await issue(asIssuer, wanted)));
    }
  });

  it('live no longer than they say, nor for more than 31 days', async () => {
    const issuer = await anIssuer();
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000);
    await fails(async () => currentScopes(await issue(issuer, { scopes, start: at(-2), expiry: at(-1) })));
    await fails(async () => currentScopes(await issue(issuer, { scopes, start: at(1), expiry: at(2) })));
    await assert.rejects(issue(issuer, { scopes, start: at(0), expiry: at(32 * 24) }));
  });

  it('end with their issuer: disabled, reset, deleted or made smaller', async () => {
    const ends = {
      disable: (path: string) => site.prepare('POST', `${path}/disable`),
      reset: (path: string) => site.prepare('POST', `${path}/reset`),
      delete: (path: string) => site.prepare('DELETE', path),
      shrink: (path: string) =>
        site.prepare('POST', path, {
          description: '',
          expires: hourFromNow(1),
          scopes: ['auth:current-scopes', 'held:a'],
        }),
      expire: (path: string) =>
        site.prepare('POST', path, { description: '', expires: hourFromNow(-1), scopes }),
    };
    for (const end of Object.values(ends)) {
      const issuer = await anIssuer();
      const held = await issue(issuer, { scopes });
      assert.deepEqual(scopesOf(await currentScopes(held)), scopes);
      await end(`${auth}/clients/${encodeURIComponent(issuer.clientId)}`);
      await fails(() => currentScopes(held));
    }
  });

  it('end when a role of their issuer is taken away', async () => {
    const path = `${auth}/roles/lent`;
    await site.prepare('PUT', path, { description: '', scopes: ['lent:a'] });
    const issuer = await aClient(['auth:current-scopes', 'assume:lent']);
    const held = await issue(issuer, { scopes: ['auth:current-scopes', 'lent:a'] });
    assert.deepEqual(scopesOf(await currentScopes(held)), ['auth:current-scopes', 'lent:a']);
    await site.prepare('DELETE', path);
    await fails(() => currentScopes(held));
  });
});

describe('authorizedScopes', () => {
  it('narrow the scopes, and never widen them', async () => {
    const held = ['auth:current-scopes', 'held:*'];
    const client = await aClient(held);
    const temporary = await issue(client, { scopes: held });
    for (const keys of [client, temporary]) {
      const narrow = { ...keys, authorizedScopes: ['auth:current-scopes', 'held:a'] };
      assert.deepEqual(scopesOf(await currentScopes(narrow)), ['auth:current-scopes', 'held:a']);
      await lacksScopes(() => currentScopes({ ...keys, authorizedScopes: [] }));
      await lacksScopes(() => currentScopes({ ...keys, authorizedScopes: ['held:a'] }));
      for (const authorizedScopes of [['*'], ['auth:*'], ['hel*'], ['assume:secure'], null, 'held:a', {}]) {
        await fails(() => currentScopes({ ...keys, authorizedScopes }));
      }
    }
  });
});

describe('a bewit', () => {
  it('is good for its URL, by GET, until its end', async () => {
    const client = await aClient(['auth:current-scopes', 'auth:delete-client:*', 'auth:get-client:*']);
    const path = `${auth}/clients/secure`;
    const parts = bewitParts(client, { method: 'GET', path, port: site.port });
    assert.equal((await site.ask({ path: withBewit(path, parts) })).status, 200);
    await fails(() => site.ask({ method: 'DELETE', path: withBewit(path, parts) }));
    await fails(() => site.ask({ method: 'POST', path: withBewit(path, parts), body: {} }));
    await fails(() => site.ask({ path: withBewit(`${path}?x=1`, parts) }));
    await fails(() => site.ask({ path: withBewit(`${auth}/scopes/current`, parts) }));
    const past = bewitParts(client, { method: 'GET', path, port: site.port }, 0);
    await fails(() => site.ask({ path: withBewit(path, past) }));
    const lacking = await aClient(['auth:current-scopes']);
    await lacksScopes(() =>
      site.ask({ path: withBewit(path, bewitParts(lacking, { method: 'GET', path, port: site.port })) }),
    );
  });
});

interface Claimed {
  readonly status: { readonly taskId: string };
  readonly credentials: { clientId: string; accessToken: string; certificate: string };
}

describe('the credentials of a claim', () => {
  let taskQueues = 0;
  const claim = async (more: object): Promise<{ taskId: string; keys: Keys }> => {
    const taskQueueId = `claims/q${++taskQueues}`;
    const taskId = slugid();
    await site.prepare('PUT', `${queue}/task/${taskId}`, aTask({ taskQueueId, ...more }));
    const worker = { workerGroup: 'secure', workerId: 'one', tasks: 1 };
    const { body } = await site.prepare(
      'POST',
      `${queue}/claim-work/${encodeURIComponent(taskQueueId)}`,
      worker,
    );
    const [claimed] = body.tasks as Claimed[];
    assert.ok(claimed);
    const { certificate, ...named } = claimed.credentials;
    return { taskId, keys: { ...named, certificate: JSON.parse(certificate) as object } };
  };

  it('are good for this run, with the scopes of the task and no others', async () => {
    const { taskId, keys } = await claim({ scopes: ['held:a'] });
    const other = await claim({});
    await lacksScopes(() => post(keys, `${queue}/task/${other.taskId}/runs/0/completed`));
    await lacksScopes(() => post(keys, `${queue}/task/${taskId}/runs/1/completed`));
    await lacksScopes(() => post(keys, `${queue}/task/${other.taskId}/runs/0/reclaim`));
    await lacksScopes(() => post(keys, `${queue}/task/${taskId}/cancel`));
    await lacksScopes(() => put(keys, `${queue}/task/${slugid()}`, aTask()));
    await fails(() => currentScopes({ ...keys, authorizedScopes: ['held:b'] }));
    assert.equal((await post(keys, `${queue}/task/${taskId}/runs/0/completed`)).status, 200);
  });

  it('change nothing more once the run is over', async () => {
    const { taskId, keys } = await claim({});
    assert.equal((await post(keys, `${queue}/task/${taskId}/runs/0/completed`)).status, 200);
    const artifact = {
      storageType: 'reference',
      contentType: 'text/plain',
      url: 'https://example.com/',
      expires: hourFromNow(1),
    };
    for (const [verb, body] of [
      ['reclaim', undefined],
      ['failed', undefined],
      ['exception', { reason: 'worker-shutdown' }],
      ['artifacts/late', artifact],
    ] as const) {
      await refused('RequestConflict', () => post(keys, `${queue}/task/${taskId}/runs/0/${verb}`, body));
    }
  });
});
