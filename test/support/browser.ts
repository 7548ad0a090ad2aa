import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Sessions } from '@taskyard/client';
import { leftOutFor, patienceMs } from '@taskyard/patience';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
  type Route,
} from 'playwright-core';
import type { Platform } from './platform.ts';
import { withoutNetworkNews } from './steady-network.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = places.find(existsSync);

/** Why tests that need a browser are left out; false where they run. */
export const skipWithoutBrowser: string | false = leftOutFor(
  executablePath === undefined && 'there is no Chromium on this machine',
);

let program: string | undefined;

/** A browser without a window that speaks to nobody but our server. */
export const launchBrowser = (): Promise<Browser> => {
  if (!executablePath) throw new Error(`There is no Chromium at any of ${places.join(', ')}`);
  const quiet = [
    'no-sandbox',
    'disable-gpu',
    'disable-quic',
    'no-first-run',
    'disable-background-networking',
    'disable-component-update',
    'disable-sync',
  ];
  program ??= withoutNetworkNews(executablePath);
  return chromium.launch({
    executablePath: program,
    args: quiet.map((word) => `--${word}`),
    timeout: patienceMs,
  });
};

/** A visitor of its own, without cookies, whose pages wait as patiently as tests do: the library's own limit is 30 s. */
export const newVisitor = async (
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patienceMs);
  return context;
};

/** A link that signs in with these credentials; root by default. */
export const signInLink = async (
  { rootUrl, credentials }: Platform,
  as: { clientId: string; accessToken: string } = credentials,
): Promise<string> => (await new Sessions({ rootUrl, credentials: as }).createSignInCode()).url;

/** A page of somebody who is signed in as root. What goes wrong in its scripts is collected. */
export const signedInPage = async (
  browser: Browser,
  platform: Platform,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> => {
  const context = await newVisitor(browser, {
    viewport: { width: 1200, height: 800 },
    reducedMotion: 'reduce',
    ...options,
    baseURL: platform.rootUrl,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  const answers: string[] = [];
  page.on('response', (reply) => answers.push(`${reply.status()} ${new URL(reply.url()).pathname}`));
  page.on('requestfailed', (request) => answers.push(`${request.failure()?.errorText} ${request.url()}`));
  await page.goto(await signInLink(platform));
  const heading = page.getByRole('heading', { name: 'What goes on' });
  await heading.waitFor().catch(async (cause) => {
    const shown = await page.locator('body').ariaSnapshot();
    const heard = `What was asked for: ${answers.join(', ')}. Complaints: ${complaints.join(', ')}`;
    throw new Error(`The page after signing in, ${page.url()}, shows instead: ${shown}\n${heard}`, { cause });
  });
  return { page, complaints };
};

/** Waits until nothing on the page is still being asked for. */
export const settled = async (page: Page): Promise<void> => {
  await page.locator('main h1').waitFor();
  await page.locator('main .mantine-Loader-root').first().waitFor({ state: 'detached' });
};

/** Keeps back the next reply from the address with this end. */
export const heldReply = async (page: Page, end: string) => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let answer = (): void => {};
  /** When the server has answered. */
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const hold = async (route: Route): Promise<void> => {
    const response = await route.fetch({ timeout: patienceMs });
    answer();
    await released;
    await route.fulfill({ response });
  };
  const predicate = (request: Request): boolean => request.url().endsWith(end);
  await page.route(`**${end}`, hold, { times: 1 });
  return {
    answered,
    /** Lets the page have it; resolves with its status when it is there. */
    release: async (): Promise<number> => {
      // Not its end: Chromium may call a reply aborted whose last byte the page has read.
      const arrival = page.waitForResponse((response) => predicate(response.request()), {
        timeout: patienceMs,
      });
      release();
      return (await arrival).status();
    },
  };
};

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe calls a serious or critical fault of accessibility on a page, with the element that has it, by these rules or all. */
export const seriousFaults = async (page: Page, rules?: readonly string[]): Promise<string[]> => {
  await page.evaluate(axe);
  const options = JSON.stringify(rules ? { runOnly: rules } : {});
  const { violations } = await page.evaluate<{ violations: Violation[] }>(`axe.run(${options})`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html.slice(0, 160))
          .slice(0, 3)
          .join(' | ')}`,
    );
};

/** What is wrong with pages for those who see little, in either theme, or have a narrow screen. */
export const faultsOf = async (page: Page, paths: readonly string[]): Promise<string[]> => {
  const faults: string[] = [];
  for (const path of paths) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(path);
      await settled(page);
      // Themes differ in their colours only.
      const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
      for (const fault of await seriousFaults(page, rules)) faults.push(`${path}, ${colorScheme}: ${fault}`);
    }
    await page.setViewportSize({ width: 375, height: 700 });
    const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
    if (width > 375) faults.push(`${path} is ${width} wide`);
    await page.setViewportSize({ width: 1200, height: 800 });
  }
  return faults;
};

/** Presses a button that asks first, and says yes. */
export const confirm = async (page: Page, label: string): Promise<void> => {
  await page.getByRole('button', { name: label, exact: true }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
};
