import { Auth } from '@taskyard/client';
import { type ConnectedOptions, serverOf } from '../connected.ts';
import type { Io } from '../io.ts';

/** A client of the auth service of a command's server. */
export const authOf = (io: Io, options: ConnectedOptions): Auth =>
  new Auth({ ...serverOf(io, options), retries: 3 });
