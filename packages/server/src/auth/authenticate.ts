import { RequestError } from '../base/index.ts';
import type { Caller } from '../http/index.ts';
import {
  type Certificate,
  isScopes,
  readCertificate,
  requireCurrent,
  requireIssued,
  requireSigned,
  temporaryKey,
} from './certificate.ts';
import type { Directory, KnownClient } from './directory.ts';
import {
  anonymousUntil,
  refuse,
  requireSignature,
  requireTimely,
  type Signature,
  type SignedParts,
  signatureOf,
} from './hawk.ts';
import { Recent } from './recent.ts';
import { bytesOf, type ScopeSet } from './scopes/index.ts';

/** How an authenticator finds clients and expands scopes. */
export type Authorities = Pick<Directory, 'findClient' | 'expand' | 'generation' | 'noteUse'>;

/** The caller, and the signature that proves it (none for an anonymous caller). */
export interface Identified {
  readonly caller: Caller;
  readonly signature?: Signature;
}

/** `since`: when the request arrived, if that was earlier; its signature must have been in time then. */
export type Authenticator = ((request: SignedParts, now: Date, since?: Date) => Promise<Identified>) & {
  /** The approximate size of the cache of checked credentials, in bytes. */
  rememberedBytes(): number;
};

/** Checked credentials. Only the signature and the time of each request remain to be checked. */
interface Principal {
  readonly client: KnownClient;
  readonly certificate: Certificate | undefined;
  readonly key: string;
  readonly caller: Caller;
}

const anonymousRole = 'assume:anonymous';
/** For checked credentials. */
const bytesKept = 8 * 2 ** 20;

/** A caller with exactly these scopes. */
export const callerWith = (
  { scopes, satisfies }: ScopeSet,
  { clientId, expires }: { clientId: string; expires: Date },
): Caller => ({ clientId, isAnonymous: clientId === '', scopes, expires, satisfies });

/** Refuses a request unless this key signed it. Nothing of it is processed or cached before that. */
type Prove = (key: string) => void;

/**
 * Identifies the caller, or refuses with AuthenticationFailed. `isRevoked` says whether temporary credentials with this
 * name have been revoked, whatever their certificate says.
 */
export const createAuthenticator = (
  authorities: Authorities,
  isRevoked: (clientId: string) => boolean = () => false,
): Authenticator => {
  const principals = new Recent(bytesKept, principalBytes);
  let generation = authorities.generation();

  const principalOf = async (signature: Signature, prove: Prove): Promise<Principal> => {
    if (generation !== authorities.generation()) {
      principals.clear();
      generation = authorities.generation();
    }
    const id = `${signature.clientId}\n${signature.ext}`;
    const found = principals.get(id);
    if (found) {
      prove(found.key);
      return found;
    }
    const started = generation;
    const principal = await examine(signature, { authorities, prove });
    // Credentials that were checked while something changed may be out of date, so they serve only this request.
    return started === authorities.generation() ? principals.add(id, principal) : principal;
  };

  const identify = async (request: SignedParts, now: Date, since = now): Promise<Identified> => {
    const signature = signatureOf(request);
    if (!signature) {
      const scopes = authorities.expand([anonymousRole]);
      return { caller: callerWith(scopes, { clientId: '', expires: anonymousUntil(now) }) };
    }
    const principal = await principalOf(signature, (key) =>
      requireSignature(signature, { key, origins: request.origins }),
    );
    requireTimely(signature, signature.kind === 'bewit' ? now : since);
    requireValid(principal, now);
    if (principal.certificate && isRevoked(signature.clientId)) {
      refuse(`The credentials of '${signature.clientId}' have been revoked.`);
    }
    authorities.noteUse(principal.client);
    return { caller: principal.caller, signature };
  };
  return Object.assign(identify, { rememberedBytes: () => principals.bytes });
};

const principalBytes = ({ caller, certificate }: Principal): number =>
  bytesOf(caller) + (certificate ? bytesOf(certificate) : 0);

const requireValid = ({ client, certificate }: Principal, now: Date): void => {
  if (client.expires <= now) refuse(`The client '${client.clientId}' has expired.`);
  if (certificate) requireCurrent(certificate, now);
};

interface Examination {
  readonly authorities: Authorities;
  readonly prove: Prove;
}

const examine = async (signature: Signature, { authorities, prove }: Examination): Promise<Principal> => {
  const { clientId } = signature;
  const ext = readExt(signature.ext);
  const certificate = ext.certificate === undefined ? undefined : readCertificate(ext.certificate);
  if (certificate?.issuer === clientId) refuse('ext.certificate.issuer must differ from the clientId.');
  const client = await requireClient(authorities, certificate?.issuer ?? clientId);
  const key = certificate ? temporaryKey(certificate.seed, client.accessToken) : client.accessToken;
  prove(key);
  if (client.disabled) refuse(`The client '${client.clientId}' is disabled.`);
  if (certificate) {
    requireSigned(certificate, { clientId, issuer: client });
    requireIssued(certificate, { clientId, issuer: client, held: authorities.expand(client.scopes) });
  }
  const held = certificate?.scopes ?? client.scopes;
  const scopes =
    ext.authorizedScopes === undefined ? held : requireAuthorized(ext.authorizedScopes, held, authorities);
  const expires = certificate
    ? new Date(Math.min(client.expires.getTime(), certificate.expiry))
    : client.expires;
  const caller = callerWith(authorities.expand([...scopes, anonymousRole]), { clientId, expires });
  return { client, certificate, key, caller };
};

interface Ext {
  readonly certificate?: unknown;
  readonly authorizedScopes?: unknown;
}

const readExt = (text: string): Ext => {
  if (text === '') return {};
  try {
    const ext = JSON.parse(Buffer.from(text, 'base64').toString()) as unknown;
    if (typeof ext === 'object' && ext !== null) return ext;
  } catch {
    // It is refused below, like JSON that is no object.
  }
  return refuse('Failed to parse ext: it must be base64 of a JSON object.');
};

const requireClient = async (authorities: Authorities, clientId: string): Promise<KnownClient> => {
  const client = await authorities.findClient(clientId);
  if (!client) return refuse(`Client with clientId '${clientId}' not found.`);
  return client;
};

const requireAuthorized = (value: unknown, held: readonly string[], authorities: Authorities): string[] => {
  if (!isScopes(value)) return refuse('ext.authorizedScopes must be an array of valid scopes.');
  const allowed = authorities.expand([...held, anonymousRole]);
  if (allowed.satisfies({ AllOf: value })) return value;
  return refuse(
    `ext.authorizedScopes [${value.join(', ')}] go beyond those held: [${allowed.scopes.join(', ')}].`,
  );
};

/** Whether this is the refusal of a signature or of credentials. */
export const isAuthenticationFailure = (error: unknown): error is RequestError =>
  error instanceof RequestError && error.code === 'AuthenticationFailed';
