/** The addresses that pages live at: these, and what follows a `*`. */
export const pagePaths = [
  '/',
  '/sign-in',
  '/sign-in/command-line',
  '/sign-in/done',
  '/third-party',
  '/tasks/*',
  '/queues',
  '/queues/*',
  '/worker-manager',
  '/worker-manager/*',
  '/auth/*',
  '/hooks',
  '/hooks/*',
  '/secrets',
  '/secrets/*',
  '/purge-caches',
  '/events',
] as const;

const nowhere = 'http://pages.invalid';

const isPage = (path: string): boolean =>
  path.startsWith('/docs/') ||
  pagePaths.some((known) => (known.endsWith('/*') ? path.startsWith(known.slice(0, -1)) : path === known));

/**
 * The page of ours that an address names, with its query and its mark, as the user wants to come back to it. Another host, a
 * path of the API, and the page to sign in itself become the first page.
 */
export const pageOf = (address: string | undefined): string => {
  // As browsers read it: "//host" and "/\\host" are other hosts, and "/tasks/../api" is a path of the API.
  if (!address?.startsWith('/') || !URL.canParse(address, nowhere)) return '/';
  const { origin, pathname, search, hash } = new URL(address, nowhere);
  return origin === nowhere && isPage(pathname) && pathname !== '/sign-in' ? pathname + search + hash : '/';
};
