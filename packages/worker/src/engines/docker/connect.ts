import Docker from 'dockerode';
import { messageOf } from '../../worker-log.ts';

/** A client for the daemon at this address, written as DOCKER_HOST is. */
export const dockerAt = (host: string): Docker => {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const url = URL.parse(host.replace(/^tcp:/, 'http:'));
  if (url?.protocol !== 'http:' || url.port === '') {
    throw new Error(`${host} is not an address of Docker: unix:///path or tcp://host:port.`);
  }
  return new Docker({ protocol: 'http', host: url.hostname, port: Number(url.port) });
};

export interface Daemon {
  readonly docker: Docker;
  /** Whether root of containers is not root of the machine, but the user of the daemon. */
  readonly isRootless: boolean;
}

/** Connects to Docker or Podman; throws when none replies. */
export const connectDaemon = async (host: string): Promise<Daemon> => {
  const docker = dockerAt(host);
  try {
    const { SecurityOptions = [] } = (await docker.info()) as { SecurityOptions?: readonly string[] };
    return { docker, isRootless: SecurityOptions.some((option) => option.startsWith('name=rootless')) };
  } catch (error) {
    throw new Error(`The docker engine does not work here: ${host} does not answer (${messageOf(error)}).`);
  }
};
