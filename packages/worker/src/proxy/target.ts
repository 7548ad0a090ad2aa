import type { SignedUrl } from '@taskyard/client';

/** Where a request goes, in the very text of its caller: `URL` would write some of it otherwise. */
export interface Target extends SignedUrl {
  readonly host: string;
  /** Another server than that of the tasks, which the path names. */
  readonly isForeign: boolean;
}

const isCall = (path: string): boolean => /^\/api\/[\w-]+\/v\d+\//.test(path);

/** A path and its query. */
const split = (path: string): { pathname: string; search: string } => {
  const [pathname = '', ...query] = path.split('?');
  return { pathname, search: query.length === 0 ? '' : `?${query.join('?')}` };
};

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
// Names with a dot are hosts: no service has one.
const hostPattern = new RegExp(`^/(${label}(?:\\.${label})+)(/.*)$`);

/** As the original's proxy has it: `/queue.example.com/v1/task/…` is at https://queue.example.com. */
const foreignTarget = (rootUrl: string, path: string): Target | undefined => {
  const { pathname: whole, search } = split(path);
  const [, host, pathname] = hostPattern.exec(whole) ?? [];
  if (host === undefined || pathname === undefined) return undefined;
  const isForeign = new URL(rootUrl).origin !== `https://${host.toLowerCase()}`;
  return { protocol: 'https:', hostname: host, port: '', host, pathname, search, isForeign };
};

/** Where a request is meant to go; undefined where the proxy signs nothing. */
export const targetOf = (rootUrl: string, path: string): Target | undefined => {
  const foreign = foreignTarget(rootUrl, path);
  if (foreign) return foreign;
  // As the original's first proxy had it: http://taskcluster/queue/v1/task/…
  const full = path.startsWith('/api/') ? path : `/api${path}`;
  const { pathname, search } = split(full);
  // Dots in a path may lead above where it seems to lead.
  const resolved = URL.canParse(full, rootUrl) ? new URL(`${rootUrl}${full}`).pathname : '';
  if (!isCall(pathname) || !isCall(resolved)) return undefined;
  const { protocol, hostname, port, host } = new URL(rootUrl);
  return { protocol, hostname, port, host, pathname, search, isForeign: false };
};
