import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import type { NewClientSearch } from './access/new-client.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import { Shell } from './shell/shell.tsx';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <p>There is no such page.</p>,
});

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : String(value);

/** What the address says about how a group is looked at. */
export interface GroupSearch {
  readonly view?: 'graph' | 'waterfall';
  readonly state?: string;
  readonly q?: string;
  readonly sort?: string;
}

const without = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== '' && value !== undefined),
  ) as Partial<T>;

const groupSearch = (search: Record<string, unknown>): GroupSearch => {
  const view = search.view === 'graph' || search.view === 'waterfall' ? search.view : undefined;
  return {
    ...(view ? { view } : {}),
    ...without({ state: text(search.state), q: text(search.q), sort: text(search.sort) }),
  };
};

const routes = [
  createRoute({
    getParentRoute: () => root,
    path: '/',
    component: lazyRouteComponent(() => import('./home/home-page.tsx'), 'HomePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/sign-in',
    // What is not in the address is not added to it: that would be another address, to be gone to.
    validateSearch: (search: Record<string, unknown>): { next?: string; failed?: string } =>
      without({ next: text(search.next), failed: text(search.failed) }),
    component: function SignIn() {
      const { next, failed } = root.useSearch() as { next?: string; failed?: string };
      return <SignInPage next={next ?? '/'} failed={failed ?? ''} />;
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/sign-in/command-line',
    validateSearch: ({ port, state }: Record<string, unknown>) => ({ port: text(port), state: text(state) }),
    component: lazyRouteComponent(async () => {
      const { CommandLinePage } = await import('./session/command-line-page.tsx');
      return {
        default: () => {
          const { port, state } = root.useSearch() as { port?: string; state?: string };
          return <CommandLinePage port={text(port)} state={text(state)} />;
        },
      };
    }),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/sign-in/done',
    component: lazyRouteComponent(() => import('./session/signed-in-page.tsx'), 'SignedInPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/third-party',
    validateSearch: ({ query }: Record<string, unknown>) => ({ query: text(query) }),
    component: lazyRouteComponent(async () => {
      const { ThirdPartyPage } = await import('./session/third-party-page.tsx');
      return {
        default: () => {
          const { query } = root.useSearch() as { query?: string };
          return <ThirdPartyPage query={text(query)} />;
        },
      };
    }),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/groups/$taskGroupId/tasks',
    validateSearch: groupSearch,
    component: lazyRouteComponent(() => import('./group/group-page.tsx'), 'GroupPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/groups/$taskGroupId',
    validateSearch: groupSearch,
    component: lazyRouteComponent(() => import('./group/group-page.tsx'), 'GroupPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/index/$',
    component: lazyRouteComponent(() => import('./task-index/index-page.tsx'), 'IndexPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/$taskId',
    validateSearch: (search: Record<string, unknown>): { run?: number } =>
      Number.isInteger(Number(search.run)) && search.run !== undefined ? { run: Number(search.run) } : {},
    component: lazyRouteComponent(() => import('./queue/pages/task-page.tsx'), 'TaskPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/$taskId/runs/$runId/logs/$',
    component: lazyRouteComponent(() => import('./log/log-page.tsx'), 'LogPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/$taskId/runs/$runId/shell',
    component: lazyRouteComponent(() => import('./shells/shell-page.tsx'), 'ShellPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/queues',
    component: lazyRouteComponent(() => import('./workers/queues-page.tsx'), 'QueuesPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/queues/$provisionerId/$workerType',
    validateSearch: (search: Record<string, unknown>): { worker?: string } =>
      without({ worker: text(search.worker) }),
    component: lazyRouteComponent(() => import('./workers/queue-page.tsx'), 'QueuePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/worker-manager',
    component: lazyRouteComponent(() => import('./workers/pools-page.tsx'), 'PoolsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/worker-manager/$provisionerId/$workerType',
    component: lazyRouteComponent(() => import('./workers/pool-page.tsx'), 'PoolPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/clients',
    component: lazyRouteComponent(() => import('./access/clients-page.tsx'), 'ClientsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/clients/new',
    validateSearch: (search: Record<string, unknown>): NewClientSearch => search,
    component: lazyRouteComponent(() => import('./access/new-client-page.tsx'), 'NewClientPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/clients/$clientId',
    component: lazyRouteComponent(() => import('./access/client-page.tsx'), 'ClientPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/roles',
    component: lazyRouteComponent(() => import('./access/roles-page.tsx'), 'RolesPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/roles/$roleId',
    component: lazyRouteComponent(() => import('./access/role-page.tsx'), 'RolePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/auth/scopes',
    validateSearch: (search: Record<string, unknown>) => without({ q: text(search.q) }),
    component: lazyRouteComponent(() => import('./access/inspector-page.tsx'), 'InspectorPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/secrets',
    component: lazyRouteComponent(() => import('./secrets/secrets-page.tsx'), 'SecretsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/secrets/$name',
    component: lazyRouteComponent(() => import('./secrets/secret-page.tsx'), 'SecretPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/purge-caches',
    component: lazyRouteComponent(() => import('./purge-cache/purges-page.tsx'), 'PurgesPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/events',
    validateSearch: (search: Record<string, unknown>) =>
      without({ exchanges: text(search.exchanges), pattern: text(search.pattern) }),
    component: lazyRouteComponent(() => import('./events/events-page.tsx'), 'EventsPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/hooks',
    component: lazyRouteComponent(() => import('./hooks/hooks-page.tsx'), 'HooksPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/hooks/$hookGroupId/$hookId',
    component: lazyRouteComponent(() => import('./hooks/hook-page.tsx'), 'HookPage'),
  }),
];

/** All pages. Nothing of the page of one thing stays when another one is gone to: no dialog, no choice, no text. */
export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: false,
  defaultRemountDeps: ({ params }) => params,
});
