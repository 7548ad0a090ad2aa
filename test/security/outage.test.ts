import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { endings } from '../support/endings.ts';
import { aFullWorld, mutationsIn } from './mutations.ts';
import { type Answer, aSite, type Site } from './site.ts';
import { aTask, bodyFor, type Method, methods, pathOf, valuesFor, type World } from './world.ts';

const { ending: all, runAll } = endings();
let site: Site;
let world: World;
before(async () => {
  site = await aSite(all, { LOG_LEVEL: 'error', TASK_CLAIM_TIMEOUT: '1200' });
  world = await aFullWorld(site);
});
after(runAll);

const ask = (method: Method): Promise<Answer> => {
  const { values = {}, body } = mutationsIn(world)[method.title] ?? {};
  const encoded = Object.entries(values).map(([name, value]) => [name, encodeURIComponent(value)]);
  const path = pathOf(method, { ...valuesFor(method, world), ...Object.fromEntries(encoded) });
  return site.ask({
    method: method.contract.method,
    path,
    as: site.root,
    body: body ?? bodyFor(method, false, world),
  });
};

/** Methods that need nothing of the database, for who is known already. */
const independent = [
  ...['auth.authenticateHawk', 'auth.currentScopes', 'auth.expandScopes', 'auth.testAuthenticate'],
  ...['auth.testAuthenticateGet', 'auth.awsS3Credentials', 'auth.azureAccounts', 'auth.azureTables'],
  ...['auth.azureTableSAS', 'auth.azureContainers', 'auth.azureContainerSAS', 'auth.sentryDSN'],
  ...['auth.websocktunnelToken', 'auth.gcpCredentials', 'auth.githubRepoToken'],
  // It waits for work as ever, and there may be some before its time is over.
  'queue.claimWork',
];

/** They need the database for nothing but to know their caller, which by their turn may have been too long ago. */
const perhapsIndependent = [
  ...['github.githubWebHookConsumer', 'github.repository', 'github.createStatus', 'github.createComment'],
  'github.renderTaskclusterYml',
];

const atOnceMax = 8;

/** What every method answers, by its title. */
const askAll = async (): Promise<Map<string, Answer>> => {
  const answers = new Map<string, Answer>();
  for (let i = 0; i < methods.length; i += atOnceMax)
    await Promise.all(
      methods.slice(i, i + atOnceMax).map(async (method) => answers.set(method.title, await ask(method))),
    );
  return answers;
};

describe('while PostgreSQL is away', () => {
  it('every method that needs it says so, and works again when it is back', async () => {
    await site.postgres.kill();
    const answers = await askAll();
    const others = [...answers].filter(([, { status }]) => status !== 503);
    const answered = others.map(([title]) => title).filter((title) => !perhapsIndependent.includes(title));
    assert.deepEqual(answered.sort(), [...independent].sort());
    assert.deepEqual(
      others.filter(([, { status }]) => status >= 500),
      [],
    );
    for (const [title, { status, body }] of answers) {
      if (status !== 503) continue;
      assert.equal(body.code, 'ServiceUnavailable', title);
      assert.match(String(body.message), /The database cannot be reached now; try again\./, title);
      assert.deepEqual(Object.keys(body).sort(), ['code', 'message', 'requestInfo'], title);
    }
    await site.postgres.restart();
    await eventually('a task to be created', async () => {
      const path = `/api/queue/v1/task/${slugid()}`;
      return (await site.ask({ method: 'PUT', path, as: site.root, body: aTask() })).status === 200;
    });
    const later = [...(await askAll())].filter(([, { status }]) => status >= 500);
    assert.deepEqual(later, []);
  });
});
