import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivateAddress } from './private-addresses.ts';

/** The address that a host's name itself is, when that is none of the public internet. */
export const privateAddressIn = (hostname: string): string | undefined => {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) !== 0 && isPrivateAddress(literal) ? literal : undefined;
};

/** Resolves a name, and refuses addresses outside of the public internet. The connection uses exactly the checked address. */
export const publicLookup =
  (refusal: (address: string) => Error): LookupFunction =>
  (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const bad = addresses?.find(({ address }) => isPrivateAddress(address));
      if (error) done(error, '', 0);
      else if (bad) done(refusal(bad.address), '', 0);
      else if (options.all) done(null, addresses);
      else done(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
    });
  };
