import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Auth, type Credentials } from '@taskyard/client';
import { within } from '@taskyard/patience';
import Provider from 'oidc-provider';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, newVisitor, seriousFaults, skipWithoutBrowser } from './support/browser.ts';

import { aHome, type Platform, plainEnvironment, taskyard } from './support/platform.ts';

const endings: (() => Promise<void>)[] = [];

/** A server on a free port, whose answers can be given later: its address has to be known first. */
const aServer = async (): Promise<{ origin: string; answer(listener: RequestListener): void }> => {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    // Another site than the platform's 127.0.0.1, as it is in life.
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    answer: (listener) => void server.on('request', listener),
  };
};

/** Keeps cookies and follows no redirect. */
const aVisitor = (platform: Platform) => {
  const cookies = new Map<string, string>();
  return {
    cookies,
    get: async (address: string) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const reply = await fetch(new URL(address, platform.rootUrl), {
        redirect: 'manual',
        headers: cookie ? { cookie } : {},
      });
      for (const header of reply.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
        if (value) cookies.set(name, value);
        else cookies.delete(name);
      }
      return { status: reply.status, location: reply.headers.get('location') ?? '' };
    },
    credentials: async (): Promise<Credentials> => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const url = `${platform.rootUrl}/api/sessions/v1/credentials`;
      const reply = await fetch(url, { method: 'POST', headers: { cookie } });
      assert.equal(reply.status, 200);
      return ((await reply.json()) as { credentials: Credentials }).credentials;
    },
  };
};

/** `taskyard signin <address>`, with the page of a browser that has signed in before; what it prints makes commands theirs. */
const signInCommandLine = async (page: Page, rootUrl: string): Promise<void> => {
  const options = { env: plainEnvironment() };
  const child = spawn(process.execPath, [taskyard, 'signin', rootUrl, '--json'], options);
  const [printed, ended] = [text(child.stdout), once(child, 'exit')];
  const address = await within(
    'the address to sign in at',
    new Promise<string>((resolve, reject) => {
      child.once('exit', () => reject(new Error('It ended without an address')));
      createInterface(child.stderr).on('line', (line) => line.startsWith('http') && resolve(line));
    }),
  );
  const port = new URL(address).searchParams.get('port');
  const state = new URL(address).searchParams.get('state') ?? '';
  const bring = async (origin: string, theState: string) => {
    const body = new URLSearchParams({ state: theState, clientId: 'evil', accessToken: 'evil' });
    return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: { origin }, body })).status;
  };
  assert.equal(await bring('https://evil.example.com', state), 403);
  assert.equal(await bring(rootUrl, 'guessed'), 403);
  await page.goto(address);
  await page.getByRole('link', { name: 'Sign in first' }).click();
  // The identity provider knows the browser by now.
  await page.getByRole('link', { name: 'Sign in with Example House' }).click();
  const admit = page.getByRole('button', { name: 'Let it act as me' });
  await admit.waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await admit.click();
  await page.getByRole('status').getByText('The command line is signed in').waitFor();
  assert.deepEqual(await within('the command to end', ended), [0, null]);
  const credentials = JSON.parse(await printed) as Credentials;
  assert.match(credentials.clientId, /^oidc\/ada\|ada!20L\.\/command-line-/);
  const { scopes } = await new Auth({ rootUrl, credentials }).currentScopes();
  assert.ok(scopes.includes('builders:may'), `${scopes}`);
};

describe('signing in', () => {
  let platform: Platform;
  let browser: Browser;
  let root: Auth;
  let github: Awaited<ReturnType<typeof aServer>>;
  let site: Awaited<ReturnType<typeof aServer>>;
  const oidcClient = { client_id: 'taskyard', client_secret: 'a-secret-of-the-test' };
  const githubClient = { id: 'app', secret: 'an-app-secret' };

  before(async () => {
    if (!skipWithoutBrowser) {
      browser = await launchBrowser();
      endings.push(() => browser.close());
    }
    const home = await aHome({ after: (end) => endings.push(end) });
    const oidc = await aServer();
    github = await aServer();
    site = await aServer();
    site.answer((_request, reply) => reply.end('The site is here'));
    platform = await home.start(
      {
        OIDC_ISSUER: oidc.origin,
        OIDC_CLIENT_ID: oidcClient.client_id,
        OIDC_CLIENT_SECRET: oidcClient.client_secret,
        OIDC_TITLE: 'Example House',
        GITHUB_OAUTH_CLIENT_ID: githubClient.id,
        GITHUB_OAUTH_CLIENT_SECRET: githubClient.secret,
        GITHUB_URL: github.origin,
        GITHUB_API_URL: `${github.origin}/api`,
        REGISTERED_CLIENTS: JSON.stringify([
          {
            clientId: 'site',
            responseType: 'code',
            scope: ['auth:current-scopes', 'mine:*'],
            redirectUri: [`${site.origin}/back`],
            maxExpires: '1 hour',
          },
        ]),
      },
      undefined,
      '--no-worker',
    );
    const provider = new Provider(oidc.origin, {
      clients: [{ ...oidcClient, redirect_uris: [`${platform.rootUrl}/api/sessions/v1/callback/oidc`] }],
      claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, preferred_username: `${id} L.`, groups: ['builders', 'a*'] }),
      }),
    });
    oidc.answer(provider.callback());
    const { rootUrl, credentials } = platform;
    root = new Auth({ rootUrl, credentials });
    const role = (roleId: string, scopes: string[]) => root.createRole(roleId, { description: '', scopes });
    await role('login-identity:*', [
      'auth:current-scopes',
      'auth:create-client:<..>/*',
      'secrets:list-secrets',
      'mine:<..>/*',
    ]);
    await role('oidc-group:builders', ['builders:may']);
    await role('github-team:house/builders', ['team:may']);
    await role('github-org-admin:house', ['admin:may']);
    await role('github-org-admin:others', ['others:may']);
  });
  after(async () => {
    for (const end of endings.reverse()) await end();
  });

  it('by OpenID Connect leads to the wanted page, as the person of the provider', {
    skip: skipWithoutBrowser,
  }, async () => {
    const page = await (await newVisitor(browser, { baseURL: platform.rootUrl })).newPage();
    await page.goto('/secrets?of=mine#middle');
    await page.getByRole('banner').getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Sign in with Example House' }).click();
    await page.locator('input[name=login]').fill('ada');
    await page.locator('input[name=password]').fill('anything');
    await page.getByRole('button', { name: /sign-in/i }).click();
    await page.getByRole('button', { name: /continue/i }).click();
    await page.getByRole('heading', { name: 'Secrets' }).waitFor();
    assert.equal(page.url(), `${platform.rootUrl}/secrets?of=mine#middle`);
    await page.getByTitle('oidc/ada|ada!20L.').waitFor();

    const { credentials } = await page.evaluate<{ credentials: Credentials }>(
      `fetch('/api/sessions/v1/credentials', { method: 'POST' }).then((reply) => reply.json())`,
    );
    const { scopes } = await new Auth({ rootUrl: platform.rootUrl, credentials }).currentScopes();
    for (const scope of [
      'assume:login-identity:oidc/ada|ada!20L.',
      'builders:may',
      'mine:oidc/ada|ada!20L./*',
    ])
      assert.ok(scopes.includes(scope), `${scope} is not among ${scopes}`);
    // A group with that name matches no other.
    assert.ok(scopes.includes('assume:oidc-group:a!2A'));
    await page.getByTitle('oidc/ada|ada!20L.').click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('banner').getByRole('link', { name: 'Sign in' }).waitFor();
    await signInCommandLine(page, platform.rootUrl);
  });

  it('lets another site act for a person who allows it on a page, and not for one who does not', {
    skip: skipWithoutBrowser,
  }, async () => {
    const page = await (await newVisitor(browser)).newPage();
    const ask = new URL('/login/oauth/authorize', platform.rootUrl);
    const redirectUri = `${site.origin}/back`;
    const asked = {
      response_type: 'code',
      client_id: 'site',
      redirect_uri: redirectUri,
      scope: 'mine:* auth:current-scopes',
    };
    // A state that a reader of addresses might take for a number.
    ask.search = new URLSearchParams({ ...asked, state: '1e3' }).toString();
    await page.goto(ask.href);
    await page.getByRole('link', { name: 'Sign in first' }).click();
    await page.getByRole('link', { name: 'Sign in with Example House' }).click();
    await page.locator('input[name=login]').fill('grace');
    await page.locator('input[name=password]').fill('anything');
    await page.getByRole('button', { name: /sign-in/i }).click();
    await page.getByRole('button', { name: /continue/i }).click();
    await page.getByText('mine:oidc/grace|grace!20L./*').waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    await page.getByRole('button', { name: 'Do not allow' }).click();
    await page.getByText('The site is here').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied');

    await page.goto(ask.href);
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.getByText('The site is here').waitFor();
    const returned = new URL(page.url());
    assert.equal(returned.origin + returned.pathname, redirectUri);
    assert.equal(returned.searchParams.get('state'), '1e3');
    const form = {
      grant_type: 'authorization_code',
      code: returned.searchParams.get('code') ?? '',
      client_id: 'site',
      redirect_uri: redirectUri,
    };
    const call = async (path: string, init: object) => {
      const reply = await fetch(new URL(path, platform.rootUrl), init);
      assert.equal(reply.headers.get('access-control-allow-origin'), '*');
      return (await reply.json()) as { access_token: string; credentials: Credentials };
    };
    const { access_token: token } = await call('/login/oauth/token', {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const { credentials } = await call('/login/oauth/credentials', {
      headers: { authorization: `Bearer ${token}` },
    });
    const { scopes } = await new Auth({ rootUrl: platform.rootUrl, credentials }).currentScopes();
    assert.deepEqual(
      scopes.filter((scope) => scope !== 'assume:anonymous'),
      ['auth:current-scopes', 'mine:oidc/grace|grace!20L./*'],
    );
  });

  it('is described in public documents, in light and dark', {
    skip: skipWithoutBrowser,
  }, async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await newVisitor(browser, { baseURL: platform.rootUrl, colorScheme });
      const page = await context.newPage();
      for (const path of ['/docs/', '/docs/operating/sign-in', '/docs/reference/sessions']) {
        await page.goto(path);
        assert.deepEqual(await seriousFaults(page), [], `${path} in ${colorScheme}`);
      }
    }
  });

  it('by GitHub gives the roles of teams, and of organizations that one owns', async () => {
    let challenge: string | null = null;
    github.answer((request, reply) => {
      const url = new URL(request.url ?? '', github.origin);
      const json = (value: unknown) =>
        void reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (url.pathname === '/login/oauth/authorize') {
        challenge = url.searchParams.get('code_challenge');
        const back = new URL(url.searchParams.get('redirect_uri') ?? '');
        back.search = `?code=a-code&state=${url.searchParams.get('state')}`;
        return void reply.writeHead(302, { location: back.href }).end();
      }
      if (url.pathname === '/login/oauth/access_token') {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          const given = new URLSearchParams(body);
          const verifier = createHash('sha256')
            .update(given.get('code_verifier') ?? '')
            .digest('base64url');
          const isRight =
            verifier === challenge &&
            given.get('code') === 'a-code' &&
            given.get('client_secret') === githubClient.secret;
          json(isRight ? { access_token: 'gh', token_type: 'bearer', scope: 'read:org' } : { error: 'bad' });
        });
        return;
      }
      if (request.headers.authorization !== 'Bearer gh') return void reply.writeHead(401).end();
      const house = { id: 1, login: 'house' };
      if (url.pathname === '/api/user') return json({ id: 7, login: 'ada' });
      if (url.pathname === '/api/user/teams') return json([{ slug: 'builders', organization: house }]);
      if (url.pathname === '/api/user/memberships/orgs') {
        return json([
          { role: 'admin', organization: house },
          { role: 'member', organization: { id: 2, login: 'others' } },
        ]);
      }
      reply.writeHead(404).end();
    });
    const visitor = aVisitor(platform);
    const sent = await visitor.get('/api/sessions/v1/sign-in/github?next=%2Fqueues');
    assert.equal(new URL(sent.location).origin, github.origin);
    const { location: callback } = await visitor.get(sent.location);
    const stranger = aVisitor(platform);
    assert.match((await stranger.get(callback)).location, /\/sign-in\?failed=expired$/);
    assert.equal((await visitor.get(callback)).location, `${platform.rootUrl}/queues`);
    const credentials = await visitor.credentials();
    assert.equal(credentials.clientId, 'github/7|ada');
    const { scopes } = await new Auth({ rootUrl: platform.rootUrl, credentials }).currentScopes();
    assert.ok(
      ['team:may', 'admin:may'].every((scope) => scopes.includes(scope)),
      `${scopes}`,
    );
    assert.ok(!scopes.includes('others:may'));
    // The code of an attempt serves once: the browser has forgotten the attempt.
    assert.match((await visitor.get(callback)).location, /\/sign-in\?failed=expired$/);
  });

  it('is refused when the return does not match the attempt, and leads to no other site', async () => {
    const visitor = aVisitor(platform);
    const { location } = await visitor.get('/api/sessions/v1/sign-in/oidc?next=%2F%2Fevil.example.com');
    const state = new URL(location).searchParams.get('state');
    assert.ok(state && new URL(location).searchParams.get('code_challenge_method') === 'S256');
    const denied = await visitor.get(
      `/api/sessions/v1/callback/oidc?error=access_denied&state=${state}&more=1`,
    );
    assert.match(denied.location, /\/sign-in\?failed=denied$/);
    await visitor.get('/api/sessions/v1/sign-in/oidc');
    const forged = await visitor.get('/api/sessions/v1/callback/oidc?code=x&state=another');
    assert.match(forged.location, /\/sign-in\?failed=expired$/);
    assert.equal((await visitor.get('/api/sessions/v1/sign-in/nobody')).status, 404);
  });
});
