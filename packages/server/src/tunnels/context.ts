import type { BaseContext } from '../base/index.ts';
import type { Caller, RequestHead } from '../http/index.ts';

/** Bounds of one process. */
export interface TunnelLimits {
  readonly tunnels: number;
  readonly tunnelsPerClient: number;
  readonly viewers: number;
  readonly viewersPerTunnel: number;
}

/** What tunnels are opened with: what lives as long as the process. */
export interface Context extends BaseContext {
  /** Who sends a request; refuses one that is badly signed. */
  authenticate(head: RequestHead): Promise<Caller>;
  /** The address that clients see, without a slash at its end. */
  rootUrl(): string;
  /** Other processes serve the same deployment, and ask this one for what comes through its tunnels. */
  readonly hasPeers: boolean;
  /** The address of this machine for those processes; by default the one from which it reaches the database. */
  readonly peerHost?: string | undefined;
  readonly limits?: Partial<TunnelLimits> | undefined;
}

/** A process holds so many at most, where nothing else is said. */
export const limitsDefault: TunnelLimits = {
  tunnels: 10_000,
  tunnelsPerClient: 2000,
  viewers: 2000,
  viewersPerTunnel: 64,
};
