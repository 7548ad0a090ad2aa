import { Type } from 'typebox';
import { GithubApps } from '../auth/index.ts';
import { optionalText, structured, text, url } from './setting-shapes.ts';

/** What an operator says about GitHub: who signs in by it, which app makes tasks, whose tokens are given out. */
export const githubSettings = Type.Object({
  oauthClientId: optionalText({
    env: 'GITHUB_OAUTH_CLIENT_ID',
    description: 'An OAuth app of GitHub through which people sign in; by default, none.',
  }),
  oauthClientSecret: optionalText({
    env: 'GITHUB_OAUTH_CLIENT_SECRET',
    secret: true,
    description: 'Its secret.',
  }),
  webUrl: url({
    env: 'GITHUB_URL',
    default: 'https://github.com',
    description: 'GitHub, or where an enterprise has its own.',
  }),
  organizations: structured(Type.Record(Type.String(), Type.String({ pattern: '^[0-9]+$' })), {
    env: 'GITHUB_ORGANIZATIONS',
    expects: 'ids by name, such as {"mozilla": "131524"}',
    description:
      'Whose a name of an organization is, by the id of the organization. Without it a name is that of the ' +
      'organization which was seen with it first.',
  }),
  appId: optionalText({
    env: 'GITHUB_APP_ID',
    description: 'The GitHub app whose events make tasks; by default, none.',
  }),
  privateKey: optionalText({
    env: 'GITHUB_PRIVATE_PEM',
    secret: true,
    description: 'Its private key, as GitHub hands it out; `\\n` may be written for the end of a line.',
  }),
  webhookSecret: optionalText({
    env: 'WEBHOOK_SECRET',
    secret: true,
    description: 'The secret of its webhook; two with a blank between while it is changed.',
  }),
  statusContext: text({
    env: 'GITHUB_STATUS_CONTEXT',
    default: 'Taskyard',
    description: 'What the names of its statuses begin with, as in `Taskyard (push)`.',
  }),
  apps: structured(GithubApps, {
    env: 'GITHUB_CREDENTIALS_APPS',
    secret: true,
    expects: 'apps by name, each with appId and privateKey',
    description: 'GitHub apps that tokens for repositories are given out of.',
  }),
  url: url({
    env: 'GITHUB_API_URL',
    default: 'https://api.github.com',
    description: 'The REST API of GitHub.',
  }),
});
