import { Sessions } from '@taskyard/client';
import type { Command } from 'commander';
import { commandName } from './command-name.ts';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Io, remark, say, sayJson } from './io.ts';
import { waitForBrowser } from './wait-for-browser.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** `taskyard signin` */
export const signinCommand = (io: Io): Command =>
  connectedCommand('signin')
    .description(
      'With credentials: print a link that signs a browser in, once, within an hour. Without, or with an address: ' +
        `get credentials through the browser, and print them as variables: eval "$(${commandName} signin <address>)".`,
    )
    .argument('[address]', 'of the server to sign in at, through the browser')
    .action(async (address: string | undefined, options: ConnectedOptions) => {
      const server = address === undefined ? serverOf(io, options) : { rootUrl: originOf(address) };
      await (server.credentials ? printLink(io, options) : signInThroughBrowser(io, server.rootUrl, options));
    });

const originOf = (address: string): string => {
  if (URL.canParse(address) && /^https?:/.test(address)) return new URL(address).origin;
  throw new CommandError(exitCodes.usage, `"${address}" is not an address: write https://tasks.example.com.`);
};

const printLink = async (io: Io, options: ConnectedOptions): Promise<void> => {
  const made = await new Sessions({ ...serverOf(io, options), retries: 3 }).createSignInCode();
  if (options.json) sayJson(io, made);
  else say(io, made.url);
};

const signInThroughBrowser = async (io: Io, rootUrl: string, { json }: ConnectedOptions): Promise<void> => {
  const { clientId, accessToken } = await waitForBrowser(io, rootUrl, (page) =>
    remark(io, `Open this page in a browser on this computer, and sign in:\n${page}`),
  );
  remark(io, `Signed in as ${clientId}.`);
  if (json) return sayJson(io, { rootUrl, clientId, accessToken });
  say(io, `export TASKCLUSTER_ROOT_URL=${quoted(rootUrl)}`);
  say(io, `export TASKCLUSTER_CLIENT_ID=${quoted(clientId)}`);
  say(io, `export TASKCLUSTER_ACCESS_TOKEN=${quoted(accessToken)}`);
  say(io, 'unset TASKCLUSTER_CERTIFICATE');
};
