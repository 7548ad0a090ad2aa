import type { BaseContext } from '../base/index.ts';
import type { Caller, RequestHead } from '../http/index.ts';

/** The limits of one process. */
export interface TunnelLimits {
  readonly tunnels: number;
  readonly tunnelsPerClient: number;
  readonly viewers: number;
  readonly viewersPerTunnel: number;
}

/** What tunnels are opened with: what lives as long as the process. */
export interface Context extends BaseContext {
  /** Identifies the caller of a request; refuses a bad signature. */
  authenticate(head: RequestHead): Promise<Caller>;
  /** The URL of the platform for clients, without a trailing slash. */
  rootUrl(): string;
  /** Whether other processes serve the same deployment, and send requests for this one's tunnels. */
  readonly hasPeers: boolean;
  /** The address of this machine for those processes; by default the one that the database sees. */
  readonly peerHost?: string | undefined;
  readonly limits?: Partial<TunnelLimits> | undefined;
}

/** The default limit of tunnels of a process. */
export const limitsDefault: TunnelLimits = {
  tunnels: 10_000,
  tunnelsPerClient: 2000,
  viewers: 2000,
  viewersPerTunnel: 64,
};
