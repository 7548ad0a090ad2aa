import type { Subscription } from '../events/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import { GithubApi } from './api/index.ts';
import type { Context, GithubContext } from './context.ts';
import { exchanges } from './events.ts';
import { Excerpts } from './excerpts.ts';
import { githubLoops } from './loops.ts';
import { GroupPace } from './pace.ts';
import { createRendering } from './rendering/index.ts';
import { type GithubServices, routes } from './routes.ts';
import * as schema from './schema/index.ts';
import { type GithubVerbs, githubVerbs } from './service/index.ts';
import { githubSubscriptions } from './subscription.ts';

export type { GithubAppSettings } from './schema/index.ts';

/** The door of the service for GitHub. */
export interface Github extends Domain<GithubVerbs> {
  /** To be given to the subscriptions of events. */
  readonly subscriptions: readonly Subscription[];
}

/** Opens the service for GitHub. */
export const createGithub = (given: GithubContext): Github => {
  const context: Context = {
    ...given,
    api: given.settings && new GithubApi(given.settings, given.clock),
    rendering: createRendering(given.clock),
    excerpts: new Excerpts(),
    pace: new GroupPace(),
  };
  const verbs = githubVerbs(context);
  return {
    verbs,
    routes,
    loops: githubLoops(context, verbs),
    subscriptions: githubSubscriptions(context),
  };
};

/** What this service publishes. */
export const githubDeclaration: ServiceDeclaration<GithubServices> = {
  service: {
    serviceName: 'github',
    title: 'GitHub Service',
    description:
      'Makes tasks for events of GitHub repositories, and shows their states there. What GitHub forbids the app is ' +
      'answered by 403 with the code ForbiddenByGithub.',
  },
  routes,
  exchanges,
  schemas: [
    schema.githubWebhookEvent,
    schema.webhookPushPayload,
    schema.webhookPullRequestPayload,
    schema.webhookIssueCommentPayload,
    schema.webhookReleasePayload,
    schema.webhookInstallationPayload,
    schema.webhookCheckRunPayload,
    schema.webhookPingPayload,
    schema.taskclusterGithubConfig,
    schema.taskclusterGithubConfigV1,
  ],
};
