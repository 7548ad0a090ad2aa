import type { Readable } from 'node:stream';
import { DownloadError, openBytes } from '@taskyard/client';
import { privateAddressIn, publicLookup } from '../addresses/index.ts';

/** The addresses that URLs of a task may lead to. */
export interface UrlRules {
  /** Whether it may lead to addresses outside of the public internet. */
  readonly allowsPrivate: boolean;
  /** URLs of servers whose addresses are always allowed: the worker's own, and those that it is told of. */
  readonly servers: readonly string[];
}

/** A URL leads to an address that tasks of this worker may not use. */
export class PrivateAddress extends DownloadError {
  constructor(url: string, address: string) {
    super(url, `${address} is a private address, which mounts of this worker may not reach`, 403);
  }
}

/** Opens a URL and follows redirects, each of which is checked. Without rules it may lead anywhere. */
export const openUrl = async (
  source: string,
  { rules, signal }: { rules: UrlRules | undefined; signal: AbortSignal },
): Promise<Readable> => {
  const admit = (url: URL) => {
    if (
      !rules ||
      rules.allowsPrivate ||
      rules.servers.some((server) => url.origin === new URL(server).origin)
    )
      return undefined;
    const refused = privateAddressIn(url.hostname);
    if (refused !== undefined) throw new PrivateAddress(url.href, refused);
    return publicLookup((address) => new PrivateAddress(url.href, address));
  };
  return (await openBytes(source, { signal, admit })).bytes;
};
