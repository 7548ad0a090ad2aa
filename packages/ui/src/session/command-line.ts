import { Auth, Sessions, slugid } from '@taskyard/client/browser';
import { rootUrl } from './session.ts';

/** A command line on this computer that waits for a user to sign in. */
export interface WaitingCommandLine {
  readonly port: number;
  /** Known to the command line that asked, and to no one else. */
  readonly state: string;
}

/** The command line that an address speaks of, if it speaks of one as it should. */
export const commandLineOf = (port: string, state: string): WaitingCommandLine | undefined => {
  const number = Number(port);
  const isPort = Number.isInteger(number) && number > 0 && number < 65536;
  return isPort && state ? { port: number, state } : undefined;
};

/**
 * Gives a command line a client of its own, with the scopes of the session, until the session ends. The session's own
 * credentials would serve it for minutes only.
 */
export const admitCommandLine = async ({ port, state }: WaitingCommandLine): Promise<string> => {
  const session = await new Sessions({ rootUrl, retries: 2 }).renewCredentials();
  const { scopes } = JSON.parse(session.credentials.certificate) as { scopes: string[] };
  const auth = new Auth({ rootUrl, credentials: session.credentials, retries: 2 });
  const { clientId, accessToken } = await auth.createClient(`${session.clientId}/command-line-${slugid()}`, {
    description: 'Made by `taskyard signin` for a command line',
    scopes,
    expires: session.sessionExpires,
    deleteOnExpiration: true,
  });
  await deliver(port, { state, clientId, accessToken });
  return clientId;
};

const deliver = async (port: number, fields: Record<string, string>): Promise<void> => {
  const body = new URLSearchParams(fields);
  const reply = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body }).catch(() => undefined);
  if (!reply?.ok) throw new Error('The command line does not listen any more. Begin again there.');
};
