import { RequestError } from '../base/index.ts';
import { type Contract, type Route, routeFor } from './contract.ts';

/** The data of the monitoring endpoints about this process. */
export interface ProcessFacts {
  uptimeSeconds(): number;
  readonly version: string;
  /** Rejects while the database is unreachable. */
  reachDatabase(): Promise<unknown>;
  /** Whether it will soon accept no more connections. */
  isLeaving(): boolean;
}

const endpoint = routeFor<{ process: ProcessFacts }>();
const common = { method: 'GET', category: 'Monitoring', stability: 'stable' } as const;

/** Endpoints that every service has. */
export const monitoringRoutes: readonly Route<{ process: ProcessFacts }>[] = [
  endpoint(
    {
      ...common,
      name: 'ping',
      path: '/ping',
      title: 'Ping',
      description: 'Replies while the service is up.',
    },
    ({ process }) => ({ alive: true, uptime: process.uptimeSeconds() }),
  ),
  endpoint(
    {
      ...common,
      name: 'lbheartbeat',
      path: '/__lbheartbeat__',
      title: 'Load balancer heartbeat',
      description: 'Replies while the process may be sent requests; with 503 when it is about to end.',
    },
    ({ process }) => {
      if (process.isLeaving()) throw new RequestError('ServiceUnavailable', 'This process is about to end.');
      return {};
    },
  ),
  endpoint(
    {
      ...common,
      name: 'version',
      path: '/__version__',
      title: 'Version',
      description: 'The version of the program.',
    },
    ({ process }) => ({
      version: process.version,
      commit: '',
      source: 'https://example.com/taskyard',
      build: 'NONE',
    }),
  ),
  endpoint(
    {
      ...common,
      name: 'heartbeat',
      path: '/__heartbeat__',
      title: 'Heartbeat',
      description: 'Replies while the service reaches the database.',
    },
    async ({ process }) => {
      await process.reachDatabase();
      return {};
    },
  ),
];

export const monitoringContracts: readonly Contract[] = monitoringRoutes.map((route) => route.contract);
