// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type ServiceClient, serviceClass } from '../service.ts';

export type IdentityProviders = {
  providers: {
    name: string;
    title: string;
  }[];
};
export type SessionCredentials = {
  clientId: string;
  credentials: {
    clientId: string;
    accessToken: string;
    certificate: string;
  };
  expires: string;
  sessionExpires: string;
};
export type SignInCode = {
  code: string;
  url: string;
  clientId: string;
  expires: string;
};
export type SignInRequest = {
  code: string;
  attempt?: string;
};
export type ThirdPartyAnswer = {
  url: string;
};
export type ThirdPartyDecision = {
  query: string;
  isAllowed: boolean;
};
export type ThirdPartyRequest = {
  query: string;
};
export type ThirdPartyView = {
  thirdParty: string;
  redirectUri: string;
  clientId: string;
  scopes: string[];
  expires: string;
  isWhitelisted: boolean;
};

export interface SessionsApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Create a code to sign in with. */
  createSignInCode(options?: CallOptions): Promise<SignInCode>;
  /** Sign in. */
  signIn(body: SignInRequest, options?: CallOptions): Promise<SessionCredentials>;
  /** Credentials of a session. */
  renewCredentials(options?: CallOptions): Promise<SessionCredentials>;
  /** Sign out. */
  signOut(options?: CallOptions): Promise<void>;
  /** Identity providers. */
  identityProviders(options?: CallOptions): Promise<IdentityProviders>;
  /** What another site asks for. */
  describeThirdParty(body: ThirdPartyRequest, options?: CallOptions): Promise<ThirdPartyView>;
  /** Let another site have it, or not. */
  admitThirdParty(body: ThirdPartyDecision, options?: CallOptions): Promise<ThirdPartyAnswer>;
}

export type Sessions = SessionsApi & ServiceClient;
export const Sessions = serviceClass<SessionsApi>('sessions', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  createSignInCode: { method: 'POST', route: '/sign-in-codes', title: 'Create a code to sign in with' },
  signIn: { method: 'POST', route: '/sign-in', title: 'Sign in', input: true },
  renewCredentials: { method: 'POST', route: '/credentials', title: 'Credentials of a session' },
  signOut: { method: 'POST', route: '/sign-out', title: 'Sign out' },
  identityProviders: { method: 'GET', route: '/identity-providers', title: 'Identity providers' },
  describeThirdParty: { method: 'POST', route: '/third-party-requests', title: 'What another site asks for', input: true },
  admitThirdParty: { method: 'POST', route: '/third-party-decisions', title: 'Let another site have it, or not', input: true },
});
