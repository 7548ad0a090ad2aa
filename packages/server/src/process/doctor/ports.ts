import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isProcessAlive } from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** Whether a platform runs in the data folder of this configuration. */
const isRunning = async (data: string): Promise<boolean> => {
  try {
    const { pid } = JSON.parse(await readFile(join(data, 'server.json'), 'utf8')) as { pid: number };
    return isProcessAlive(pid);
  } catch {
    return false;
  }
};

const portFinding = async (host: string, port: number, setting: string): Promise<Finding> => {
  const server = createServer().listen({ host, port });
  try {
    await once(server, 'listening');
    return ok(`${host}:${port} is free`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return fault(`Another program listens on ${host}:${port}.`, `Stop it, or choose another ${setting}.`);
    if (code === 'EACCES')
      return fault(`This user may not listen on port ${port}.`, `Choose a ${setting} above 1023.`);
    return fault(`${host}:${port} cannot be listened on: ${message}.`, 'Correct HOST.');
  } finally {
    server.close();
  }
};

const reachable = async (rootUrl: string): Promise<Finding> => {
  try {
    const { status } = await fetch(`${rootUrl}/api/queue/v1/ping`);
    if (status === 200) return ok(`${rootUrl} answers`);
    return warning(`${rootUrl} answers with ${status}.`, 'Look at the proxy before it, and at ROOT_URL.');
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = (cause as Error | undefined)?.message ?? message;
    return warning(
      `${rootUrl} cannot be reached: ${reason}.`,
      'Look at the proxy before it, and at ROOT_URL.',
    );
  }
};

const ports = ({ role, host, port, metricsHost = host, metricsPort }: Config): [string, number, string][] => [
  ...(role === 'background' ? [] : ([[host, port, 'PORT']] as [string, number, string][])),
  ...(metricsPort === undefined
    ? []
    : ([[metricsHost, metricsPort, 'METRICS_PORT']] as [string, number, string][])),
];

/** Whether the ports are free, or, while a platform runs, whether it answers. */
export const examinePorts = async (config: Config): Promise<Finding[]> => {
  if (!(await isRunning(config.data)))
    return Promise.all(ports(config).map(([host, port, setting]) => portFinding(host, port, setting)));
  const running = ok(`The platform in ${config.data} runs`);
  return config.rootUrl === undefined ? [running] : [running, await reachable(config.rootUrl)];
};
