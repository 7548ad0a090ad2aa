import { Index } from '@taskyard/client';
import { type Io, remark } from '../io.ts';
import type { Platform } from '../platform.ts';

const answersWithinMs = 10_000;

/** An address is the same with slashes at its end, and however its host is written. */
const sameAddress = (one: string | undefined, other: string): boolean =>
  one !== undefined && withoutEnd(one) === withoutEnd(other);

const withoutEnd = (address: string): string =>
  (URL.canParse(address) ? new URL(address).href : address).replace(/\/+$/, '');

/** Says once, before a run, why tasks will not find what the other server has published. */
export const checkUpstream = async (
  io: Io,
  { upstreamUrl }: Platform,
  wanted: string | undefined,
): Promise<void> => {
  if (wanted === undefined) return;
  if (!sameAddress(upstreamUrl, wanted)) {
    const now = upstreamUrl ?? 'no other server';
    remark(
      io,
      `The platform is in use by another run, and asks ${now}: what ${wanted} has published is not found.`,
    );
    return;
  }
  const index = new Index({ rootUrl: wanted, retries: 0, timeoutMs: answersWithinMs });
  await index.ping().catch((error: Error) => {
    remark(io, `${wanted} does not answer (${error.message}): only what it has published before is found.`);
  });
};
