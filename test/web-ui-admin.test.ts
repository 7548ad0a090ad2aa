import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Auth, Hooks, PurgeCache, Queue, Secrets, WorkerManager } from '@taskyard/client';
import { eventually, patienceMs } from '@taskyard/patience';
import type { Browser, Page } from 'playwright-core';
import {
  confirm,
  faultsOf,
  launchBrowser,
  settled,
  signedInPage,
  skipWithoutBrowser,
} from './support/browser.ts';
import { submitGraph } from './support/graphs.ts';
import { aHome, type Platform } from './support/platform.ts';

const endings: (() => Promise<void>)[] = [];
let platform: Platform;
let browser: Browser;
let page: Page;
let complaints: string[];
const inAnHour = () => new Date(Date.now() + 3600_000).toJSON();

describe('the web pages for administrators', { skip: skipWithoutBrowser }, () => {
  before(async () => {
    const home = await aHome({ after: (end) => endings.push(end) });
    [platform, browser] = await Promise.all([home.start(), launchBrowser()]);
    ({ page, complaints } = await signedInPage(browser, platform));
  });
  after(async () => {
    await browser?.close();
    for (const end of endings) await end();
  });

  it('keep a secret, show it only when asked to, and change and remove it', async () => {
    await page.goto('/secrets');
    await page.getByRole('button', { name: 'New secret' }).click();
    await page.getByLabel('Name').fill('tests/door key');
    await page
      .getByLabel('Secret, and when it expires')
      .fill(JSON.stringify({ secret: { code: 'sesame' }, expires: inAnHour() }));
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('heading', { name: 'tests/door key' }).waitFor();
    assert.equal(await page.getByText('sesame').count(), 0);
    await page.getByRole('button', { name: 'Show and edit' }).click();
    const field = page.getByLabel('Secret, and when it expires');
    await field.waitFor();
    assert.match(await field.inputValue(), /sesame/);
    await field.fill(JSON.stringify({ secret: { code: 'open' }, expires: 'never' }));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('expires').waitFor();
    await field.fill(JSON.stringify({ secret: { code: 'open' }, expires: inAnHour() }));
    await page.getByRole('button', { name: 'Save' }).click();
    // The old complaint goes when the button is pressed, not when the new secret is kept.
    await page.getByRole('alert').waitFor({ state: 'detached' });
    const { rootUrl, credentials } = platform;
    const secrets = new Secrets({ rootUrl, credentials });
    await eventually(
      'the new secret to be kept',
      () => secrets.get('tests/door key'),
      ({ secret }) => secret.code === 'open',
    );
    await confirm(page, 'Remove');
    await page.getByRole('heading', { name: 'Secrets' }).waitFor();
    await assert.rejects(secrets.get('tests/door key'), { statusCode: 404 });
    await settled(page);
    assert.equal(await page.getByRole('link', { name: 'tests/door key' }).count(), 0);
  });

  it('listed-but-out-of-reach: open a secret of any name from the list, show it and remove it', async () => {
    const secrets = new Secrets(platform);
    const names = ['odd/a/b', 'odd/a%2Fb', 'odd ', '/odd', '100%', 'x?y#z', 'odd/../b'];
    for (const name of names) await secrets.set(name, { secret: { is: name }, expires: inAnHour() });
    for (const [i, name] of names.entries()) {
      await page.goto('/secrets');
      await page.locator(`a[href="/secrets/${encodeURIComponent(name)}"]`).click();
      await page.getByRole('button', { name: 'Show and edit' }).click();
      const field = page.getByLabel('Secret, and when it expires');
      await field.waitFor();
      assert.deepEqual(JSON.parse(await field.inputValue()).secret, { is: name });
      await confirm(page, 'Remove');
      await page.getByRole('heading', { name: 'Secrets' }).waitFor();
      const left = (await secrets.list()).secrets.filter((other) => names.includes(other));
      assert.deepEqual([...left].sort(), names.slice(i + 1).sort());
    }
  });

  it('have the workers of a pool throw a cache away', async () => {
    await page.goto('/purge-caches');
    await page.getByLabel('Worker pool').fill('aws/linux');
    await page.getByRole('textbox', { name: 'Cache' }).fill('checkouts');
    await page.getByRole('button', { name: 'Purge', exact: true }).click();
    await page.getByRole('cell', { name: 'checkouts' }).waitFor();
    const { requests } = await new PurgeCache(platform).purgeRequests('aws/linux');
    assert.deepEqual(
      requests.map(({ cacheName }) => cacheName),
      ['checkouts'],
    );
  });

  it('say who may do something, and what scopes expand to', async () => {
    const auth = new Auth(platform);
    await auth.createRole('tests:keepers', { description: 'Keep keys.', scopes: ['secrets:get:tests/*'] });
    const client = { expires: inAnHour(), description: '', scopes: ['assume:tests:keepers'] };
    await auth.createClient('tests/keeper', client);
    await page.goto('/auth/scopes');
    await page.getByLabel('Scopes', { exact: true }).fill('secrets:get:tests/door\n');
    await page.getByRole('button', { name: 'Inspect' }).click();
    await page.getByRole('link', { name: 'tests/keeper', exact: true }).waitFor();
    await page.getByRole('link', { name: 'tests:keepers', exact: true }).waitFor();
    await page.goto(`/auth/scopes?q=${encodeURIComponent('assume:tests:keepers')}`);
    const expansion = page.getByRole('region', { name: 'What it expands to' });
    await expansion.getByText('secrets:get:tests/*', { exact: true }).waitFor();
  });

  it('tell who is refused which scopes are missing at least, and which role grants them', async () => {
    const { rootUrl } = platform;
    const auth = new Auth(platform);
    const scopes = ['sessions:sign-in', 'auth:list-roles', 'views:overview', 'secrets:list-secrets'];
    const made = await auth.createClient('tests/guest', { expires: inAnHour(), description: '', scopes });
    const guest = await signedInPage(browser, { ...platform, credentials: made });
    await guest.page.goto(`${rootUrl}/secrets/tests%2Fother`);
    await guest.page.getByRole('button', { name: 'Show and edit' }).click();
    await guest.page.getByText('You may not see this secret').waitFor();
    const alert = guest.page.getByRole('alert');
    await alert.getByText('secrets:get:tests/other', { exact: true }).waitFor();
    await alert.getByRole('link', { name: 'tests:keepers' }).waitFor();
    await guest.page.getByRole('button', { name: 'Remove' }).click();
    await guest.page.getByRole('button', { name: 'Yes' }).click();
    await guest.page.getByRole('dialog').getByText('secrets:set:tests/other', { exact: true }).waitFor();
    await guest.page.context().close();
  });

  it('create, change and delete roles, hooks and worker pools', async () => {
    const field = (label: string) => page.getByLabel(label, { exact: true });
    const keep = async () => {
      await page.getByRole('button', { name: 'Keep' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    };
    await page.goto('/auth/roles');
    await page.getByRole('button', { name: 'New role' }).click();
    await page.getByLabel('Name').fill('tests:made here');
    await field('Role').fill(JSON.stringify({ description: 'Made here', scopes: ['a**'] }));
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('alert').getByText('a**').waitFor();
    await field('Role').fill(JSON.stringify({ description: 'Made here', scopes: ['a:one'] }));
    await keep();
    await page.getByRole('heading', { name: 'tests:made here' }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await field('Role').fill(JSON.stringify({ description: 'Made here', scopes: ['a:two'] }));
    await keep();
    await page.getByText('a:two').first().waitFor();
    await confirm(page, 'Delete');
    await page.getByRole('heading', { name: 'Roles' }).waitFor();

    await page.goto('/hooks');
    await page.getByRole('button', { name: 'New hook' }).click();
    await page.getByLabel('Group and id').fill('tests/by-hand');
    await keep();
    await page.getByRole('heading', { name: 'tests/by-hand' }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    const hook = JSON.parse(await field('Hook').inputValue()) as { metadata: { name: string } };
    hook.metadata.name = 'By hand';
    await field('Hook').fill(JSON.stringify(hook));
    await keep();
    await page.getByText('By hand', { exact: true }).waitFor();

    await page.goto('/worker-manager');
    await page.getByRole('button', { name: 'New pool' }).click();
    await page.getByLabel('Id, such as').fill('tests/boards');
    await keep();
    await page.getByRole('heading', { name: 'tests/boards' }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    const pool = JSON.parse(await field('Worker pool').inputValue()) as { description: string };
    pool.description = 'Boards in the lab';
    await field('Worker pool').fill(JSON.stringify(pool));
    await keep();
    await page.getByText('Boards in the lab').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByLabel('Why, for those who ask').fill('The lab is being painted');
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.getByRole('alert').getByText('The lab is being painted').waitFor();
    await confirm(page, 'Resume');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
  });

  it('say at which line a worker pool does not fit the schemas, before anything is sent', async () => {
    await page.goto('/worker-manager/local/built-in');
    await page.getByRole('button', { name: 'Edit' }).click();
    const field = page.getByLabel('Worker pool', { exact: true });
    const pool = JSON.parse(await field.inputValue()) as object;
    const wrong = {
      ...pool,
      emailOnError: 'yes',
      config: { minCapacity: 'many', maxCapacity: 1, extra: 1 },
      colour: 'red',
    };
    await field.fill(JSON.stringify(wrong, null, 2));
    const mistakes = page.getByRole('dialog').getByRole('alert').getByRole('listitem');
    await mistakes.first().waitFor();
    assert.deepEqual(await mistakes.allTextContents(), [
      'Line 5: emailOnError must be boolean',
      'Line 6: config lacks launchConfigs',
      'Line 7: config.minCapacity must be integer',
      'Line 9: config.extra is not known here',
      'Line 11: colour is not known here',
    ]);
    assert.ok(await page.getByRole('button', { name: 'Keep' }).isDisabled());
    await page.getByRole('button', { name: 'Line 7' }).click();
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+Home');
    assert.equal(await page.evaluate('document.getSelection().toString().trim()'), '"minCapacity": "many",');
    await field.fill(JSON.stringify({ ...pool, providerId: 'nowhere' }));
    await mistakes.getByText('is none of the providers here').waitFor();
    await page.keyboard.press('Escape');
  });

  it('drain a worker of a pool', async () => {
    await submitGraph(platform, [{ name: 'brings a worker', command: 'true' }]);
    await page.goto('/worker-manager/local/built-in');
    await confirm(page, 'Drain');
    const manager = new WorkerManager(platform);
    await eventually('a worker to end because it was drained', async () => {
      const { workers } = await manager.listWorkersForWorkerPool('local/built-in');
      const reasons = await Promise.all(
        workers.map(({ workerGroup, workerId }) =>
          manager.shouldWorkerTerminate('local/built-in', workerGroup, workerId),
        ),
      );
      return reasons.some(({ reason }) => reason === 'drained');
    });
  });

  it('show what a worker did, and put it into quarantine and out of it with the reasons', async () => {
    const queue = new Queue(platform);
    await submitGraph(platform, [{ name: 'done by one', command: 'true', taskQueueId: 'tests/benches' }]);
    const claim = { tasks: 1, workerGroup: 'lab', workerId: 'one' };
    assert.equal((await queue.claimWork('tests/benches', claim)).tasks.length, 1);
    await page.goto('/queues/tests/benches');
    await page.getByRole('link', { name: 'lab/one' }).click();
    const section = page.getByRole('region', { name: 'Worker lab/one' });
    await section.getByRole('link', { name: 'done by one' }).waitFor();
    await section.getByText('It has never been in quarantine.').waitFor();
    const order = async (label: string, reason: string) => {
      await page.getByRole('button', { name: label }).click();
      await page.getByLabel('Why').fill(reason);
      await page.getByRole('button', { name: 'Yes' }).click();
      await section.getByRole('cell', { name: reason }).waitFor();
    };
    await order('Quarantine', 'its fan is loud');
    await order('Give it work again', 'the fan is new');
    assert.deepEqual(await section.locator('tr td:last-child').allTextContents(), [
      'the fan is new',
      'its fan is loud',
    ]);
    await page.getByRole('button', { name: 'Quarantine' }).waitFor();
  });

  it('make a client below whoever is signed in, and show its token once', async () => {
    await page.goto('/auth/clients');
    await page.getByRole('link', { name: 'New client' }).click();
    await page.locator('input[name=clientId]').fill('tests/made-here');
    await page.getByLabel('Scopes, one in a line').fill('a:one\nb:two');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('tests/made-here has been created').waitFor();
    const { scopes } = await new Auth(platform).client('tests/made-here');
    assert.deepEqual(scopes, ['a:one', 'b:two']);
  });

  it('show messages as they come, and say so only when they listen, without a worker that tabs share', async () => {
    await page.addInitScript('delete globalThis.SharedWorker');
    const exchange = 'exchange/taskcluster-queue/v1/task-completed';
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await page.route('**/api/events/v1/stream?*', (route) => held.then(() => route.continue()), { times: 1 });
    await page.goto(`/events?exchanges=${encodeURIComponent(exchange)}`);
    await page.getByLabel('Connecting to the stream of messages').waitFor();
    assert.equal(await page.getByText('Nothing has come yet.').count(), 0);
    letGo();
    await page.getByText('Nothing has come yet.').waitFor();
    const { idOf } = await submitGraph(platform, [{ name: 'heard', command: 'true' }]);
    const message = page.getByRole('group').filter({ hasText: idOf('heard') });
    await message.first().locator('summary').click();
    await message.getByText('"state": "completed"').first().waitFor();
  });

  describe('signed-out-while-typing', () => {
    /** Opens a hook in a browser of its own, and writes half of a description. */
    const halfWritten = async (hookId: string) => {
      await new Hooks(platform).createHook('tests', hookId, {
        metadata: { name: hookId, description: '', owner: 'somebody@example.com' },
        task: {},
      });
      const { page: other } = await signedInPage(browser, platform);
      // The time of the credentials is over at every call, as after a long while. To move the clock of the page would make
      // its signatures wrong.
      await other.route('**/api/sessions/v1/credentials', async (route) => {
        const response = await route.fetch({ timeout: patienceMs });
        if (!response.ok()) return route.fulfill({ response });
        const granted = (await response.json()) as object;
        return route.fulfill({ response, json: { ...granted, expires: new Date().toJSON() } });
      });
      await other.goto(`/hooks/tests/${hookId}`);
      await other.getByRole('button', { name: 'Edit' }).click();
      const field = other.getByRole('textbox', { name: 'Hook' });
      const text = (await field.inputValue()).replace('"description": ""', '"description": "Half a thought"');
      await field.fill(text);
      const keep = () => other.getByRole('button', { name: 'Keep' }).click();
      const isKept = async () => {
        await other.getByText('Half a thought', { exact: true }).waitFor();
        assert.equal(
          (await new Hooks(platform).hook('tests', hookId)).metadata.description,
          'Half a thought',
        );
      };
      return { other, field, text, keep, isKept };
    };

    it('renews credentials silently while the session lasts', async () => {
      const { other, keep, isKept } = await halfWritten('silently');
      const renewed = other.waitForResponse('**/api/sessions/v1/credentials');
      await keep();
      assert.equal((await renewed).status(), 200);
      await isKept();
      await other.context().close();
    });

    it('opens sign-in beside when the session has ended, and the text is still there', async () => {
      const { other, field, text, keep, isKept } = await halfWritten('beside');
      await other.context().clearCookies();
      await keep();
      const trouble = other.getByRole('dialog').getByRole('alert');
      await trouble.getByText('Your session has ended').waitFor();
      const opened = other.context().waitForEvent('page');
      await trouble.getByRole('link', { name: 'Sign in beside' }).click();
      const beside = await opened;
      await beside.getByLabel('Client').fill(platform.credentials.clientId);
      await beside.getByRole('textbox', { name: 'Access token' }).fill(platform.credentials.accessToken);
      await beside.getByRole('button', { name: 'Sign in' }).click();
      await beside.getByRole('heading', { name: 'You are signed in' }).waitFor();
      await beside.close();
      await trouble.getByText('You are signed in again: go on.').waitFor();
      assert.equal(await field.inputValue(), text);
      await keep();
      await isKept();
      await other.context().close();
    });
  });

  it('have no serious fault of accessibility, in both themes, and fit a narrow screen', async () => {
    await new Secrets(platform).set('tests/one', { secret: {}, expires: inAnHour() });
    const paths = [
      '/secrets',
      '/secrets/tests%2Fone',
      '/purge-caches',
      '/queues/tests/benches?worker=lab/one',
      '/auth/scopes?q=assume:tests:keepers',
      '/auth/clients/new',
      '/events',
    ];
    assert.deepEqual(await faultsOf(page, paths), []);
  });

  it('broke no rule of their own: no script failed, and nothing was loaded that may not be', () => {
    assert.deepEqual(complaints, []);
  });
});
