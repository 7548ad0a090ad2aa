import { type Static, Type } from 'typebox';
import { GcpProjects, S3Access, StaticClients } from '../auth/index.ts';
import { Backends, Placement } from '../objects/index.ts';
import { ageingPattern } from '../queue/index.ts';
import { RegisteredClients } from '../third-parties/index.ts';
import { ProviderSettings } from '../worker-manager/index.ts';
import { cleaningSettings } from './cleaning-settings.ts';
import { databaseSettings } from './database-settings.ts';
import { githubSettings } from './github-settings.ts';
import {
  choice,
  type Facts,
  optionalText,
  optionalUrl,
  structured,
  text,
  toggle,
  url,
  whole,
} from './setting-shapes.ts';
import { tracingSettings } from './tracing-settings.ts';

/** All settings of an operator, with their defaults and meanings. */
export const Config = Type.Object({
  port: whole(0, 65_535, {
    env: 'PORT',
    default: 8080,
    description: 'Port of the API; 0 takes any free one.',
  }),
  host: text({
    env: 'HOST',
    default: '127.0.0.1',
    description: 'Address to listen on. The default admits no other machine.',
  }),
  data: text({
    env: 'TASKYARD_DATA',
    default: '.taskyard',
    description: 'Folder of the embedded database, artifacts on disk and the root credentials.',
  }),
  processes: whole(1, 64, {
    env: 'PROCESSES',
    default: 1,
    description:
      'Processes that serve the API, on one port. With more than one, another process starts them, and runs the ' +
      'background loops.',
  }),
  metricsPort: Type.Optional(
    whole(0, 65_535, {
      env: 'METRICS_PORT',
      description:
        'Port on which Prometheus finds `/metrics`; 0 takes any free one. By default there are no metrics.',
    }),
  ),
  metricsHost: optionalText({
    env: 'METRICS_HOST',
    description: 'Address of `/metrics`, which needs no credentials; by default that of `host`.',
  }),
  ...tracingSettings,
  role: choice(['all', 'api', 'background'], {
    env: 'ROLE',
    default: 'all',
    description: 'What this process does: serve the API, run the background loops, or both.',
  }),
  drainDelaySeconds: whole(0, 300, {
    env: 'DRAIN_DELAY',
    default: 0,
    description:
      'How long before it closes its port a process that is told to end replies 503 at `/__lbheartbeat__`: longer than a ' +
      'balancer takes to notice.',
  }),
  rootUrl: optionalUrl('https?', 'a URL that starts with http:// or https://', {
    env: 'ROOT_URL',
    description:
      'URL under which clients reach the platform. By default the address that it listens on; where that is 0.0.0.0 or ' +
      '::, the first address of this machine.',
  }),
  upstreamUrl: optionalUrl('https?', 'a URL that starts with http:// or https://', {
    env: 'UPSTREAM_URL',
    description:
      'Root URL of another deployment whose index is asked for what this one does not know; what everybody may read there ' +
      'is brought here. `tyard run .taskcluster.yml --upstream` sets it. By default none is asked.',
  }),
  peerHost: optionalText({
    env: 'PEER_HOST',
    expects: 'an address of this machine',
    description:
      'Address of this machine for other processes of the same deployment, where they ask for live logs; by default the one from which it reaches the database.',
  }),
  trustProxy: toggle({
    env: 'TRUST_PROXY',
    default: false,
    description: 'Believe X-Forwarded-* headers. Only behind a proxy that sets them itself.',
  }),
  ...databaseSettings,
  amqpUrl: optionalUrl('amqps?', 'a URL that starts with amqp:// or amqps://', {
    env: 'AMQP_URL',
    secret: true,
    description:
      'A RabbitMQ to publish messages to; without it they go to the event stream only. Several hosts, as in ' +
      '`amqps://user:password@one:5671,two:5671/vhost`, are the nodes of a cluster.',
  }),
  exchangePrefix: text({
    env: 'EXCHANGE_PREFIX',
    default: 'exchange/taskcluster-',
    description: 'What the names of all exchanges begin with; the name of the service follows.',
  }),
  encryptionKeys: Type.Optional(
    Type.String({
      ...({
        env: 'ENCRYPTION_KEYS',
        secret: true,
        expects: 'names with 32 bytes in base64, as in new:…=,old:…=',
        description:
          'Keys that access tokens are encrypted with in the database: the first encrypts, all decrypt. ' +
          'By default one is made and kept in the data folder; processes that share a database share the keys.',
      } satisfies Facts),
      pattern: '^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9+/]{43}=(,[A-Za-z0-9_-]{1,64}:[A-Za-z0-9+/]{43}=)*$',
    }),
  ),
  websocktunnelSecret: optionalText({
    env: 'WEBSOCKTUNNEL_SECRET',
    secret: true,
    description: 'The secret shared with a websocktunnel; without it no tokens for one are given out.',
  }),
  staticClients: structured(StaticClients, {
    env: 'STATIC_CLIENTS',
    secret: true,
    expects: 'a list of clients, each with clientId, accessToken, description and scopes',
    description: 'Clients that exist from the start, with ids that begin with `static/`.',
  }),
  auditRetentionDays: whole(1, 36_500, {
    env: 'AUDIT_RETENTION_DAYS',
    default: 365,
    description: 'How long it is kept who changed what.',
  }),
  claimTimeoutSeconds: whole(1, 86_400, {
    env: 'TASK_CLAIM_TIMEOUT',
    default: 1200,
    description:
      'How long a claim lasts unless the worker reclaims. Below 210 seconds the original’s generic-worker never reclaims.',
  }),
  deadlineDelaySeconds: whole(0, 86_400, {
    env: 'DEADLINE_DELAY',
    default: 60,
    description: 'How long after its deadline an unfinished task is resolved.',
  }),
  taskDeadlineDaysMax: whole(1, 3650, {
    env: 'MAX_TASK_DEADLINE_DAYS',
    default: 5,
    description: 'How far ahead the deadline of a new task may be.',
  }),
  taskDependenciesMax: whole(1, 100_000, {
    env: 'TASK_MAX_DEPENDENCIES',
    default: 10_000,
    description: 'Dependencies that one task may have.',
  }),
  ageing: Type.Optional(
    Type.String({
      ...({
        env: 'AGEING',
        expects: 'task queues with seconds, as in project/*=600,other/linux=300',
        description:
          'Task queues in which a waiting task gains one priority each time this many seconds pass, so that low priorities ' +
          'are not starved. By default a higher priority always goes first.',
      } satisfies Facts),
      pattern: ageingPattern,
    }),
  ),
  eventRetentionSeconds: whole(60, 31_536_000, {
    env: 'EVENT_RETENTION',
    default: 21_600,
    description: 'How long messages are kept for readers of the event stream that come back.',
  }),
  logLevel: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    env: 'LOG_LEVEL',
    default: 'info',
    description: 'The least important lines that are logged.',
  }),
  s3: Type.Object({
    bucket: optionalText({
      env: 'S3_BUCKET',
      description: 'Bucket for artifacts; without it they are kept on disk.',
    }),
    region: text({ env: 'S3_REGION', default: 'us-east-1', description: 'Region of the bucket.' }),
    endpoint: optionalUrl('https?', 'a URL that starts with http:// or https://', {
      env: 'S3_ENDPOINT',
      description: 'Where a store other than AWS listens.',
    }),
    accessKeyId: optionalText({
      env: 'S3_ACCESS_KEY_ID',
      description: "Key of the bucket; by default the AWS library's usual sources are searched.",
    }),
    secretAccessKey: optionalText({
      env: 'S3_SECRET_ACCESS_KEY',
      secret: true,
      description: 'The secret that belongs to the key.',
    }),
    forcePathStyle: toggle({
      env: 'S3_FORCE_PATH_STYLE',
      default: false,
      description: "Name the bucket in the URL's path, not in its host. Most stores other than AWS want it.",
    }),
  }),
  objects: Type.Object({
    backends: structured(Backends, {
      env: 'BACKENDS',
      secret: true,
      expects:
        'backends by name, each of `type: disk` with a folder or `type: s3` with a bucket and a region',
      description: 'Places for bytes besides the one that `s3`, or without it the data folder, gives.',
    }),
    backendMap: structured(Placement, {
      env: 'BACKEND_MAP',
      expects: 'a list of rules, each with a backendId and `when`',
      description:
        'Which objects go to which backend: the first rule that holds. By default all go to the one that `s3`, or ' +
        'without it the data folder, gives.',
    }),
    artifactBackend: optionalText({
      env: 'ARTIFACT_BACKEND',
      description: 'The backend of artifacts of type `s3`; by default the same one.',
    }),
  }),
  cleaning: cleaningSettings,
  aws: Type.Object({
    buckets: structured(S3Access, {
      env: 'AWS_CREDENTIALS_ALLOWED_BUCKETS',
      secret: true,
      expects: 'a list of keys, each with accessKeyId, secretAccessKey and buckets',
      description: 'Keys of AWS users, and the buckets that they may give access to.',
    }),
    stsUrl: optionalUrl('https?', 'a URL that starts with http:// or https://', {
      env: 'AWS_STS_URL',
      description: "Where a token service other than Amazon's listens.",
    }),
  }),
  gcp: Type.Object({
    projects: structured(GcpProjects, {
      env: 'GCP_CREDENTIALS_ALLOWED_PROJECTS',
      secret: true,
      expects: 'projects by id, each with credentials and allowedServiceAccounts',
      description: 'Keys of service accounts by project, and the accounts that they may give out tokens of.',
    }),
    iamCredentialsUrl: url({
      env: 'GCP_IAM_CREDENTIALS_URL',
      default: 'https://iamcredentials.googleapis.com',
      description: 'The API that makes tokens of service accounts.',
    }),
  }),
  sentry: Type.Object({
    url: url({ env: 'SENTRY_URL', default: 'https://sentry.io', description: 'The Sentry server.' }),
    organization: optionalText({
      env: 'SENTRY_ORGANIZATION',
      description: 'The organization of Sentry; without it no access to Sentry is given out.',
    }),
    authToken: optionalText({
      env: 'SENTRY_AUTH_TOKEN',
      secret: true,
      description: 'A token for its API, with `project:admin` and `org:read`.',
    }),
    team: optionalText({ env: 'SENTRY_TEAM', description: 'The team that gets new projects.' }),
    keyPrefix: text({
      env: 'SENTRY_KEY_PREFIX',
      default: 'taskyard',
      description: 'What the names of our keys begin with; each deployment has its own.',
    }),
  }),
  oidc: Type.Object({
    issuer: optionalUrl('https?', 'a URL that starts with http:// or https://', {
      env: 'OIDC_ISSUER',
      description: 'A provider of OpenID Connect through which people sign in; by default, none.',
    }),
    clientId: optionalText({ env: 'OIDC_CLIENT_ID', description: 'The id of the client there.' }),
    clientSecret: optionalText({
      env: 'OIDC_CLIENT_SECRET',
      secret: true,
      description: 'The secret of that client.',
    }),
    name: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,30}$',
      expects: 'letters, digits and dashes',
      env: 'OIDC_NAME',
      default: 'oidc',
      description: 'What identities begin with, and the roles of groups: `<name>-group:<group>`.',
    }),
    title: text({
      env: 'OIDC_TITLE',
      default: 'Single sign-on',
      description: 'Its name on the page to sign in.',
    }),
    scope: text({
      env: 'OIDC_SCOPE',
      default: 'openid profile email',
      description: 'The scopes that are asked for there. It must have `openid`; add what the groups need.',
    }),
    groupsClaim: text({
      env: 'OIDC_GROUPS_CLAIM',
      default: 'groups',
      description: 'The claim that lists the groups of a person.',
    }),
  }),
  registeredClients: structured(RegisteredClients, {
    env: 'REGISTERED_CLIENTS',
    expects: 'a list of sites, each with clientId, responseType, scope, redirectUri and maxExpires',
    description:
      'Other sites that people who are signed in may let act for them; see [sign-in](../operating/sign-in.md).',
  }),
  github: githubSettings,
  notify: Type.Object({
    smtpUrl: optionalUrl('smtps?', 'a URL that starts with smtp:// or smtps://', {
      env: 'SMTP_URL',
      secret: true,
      description: 'The server that takes mails, with user and password; without it no mails are sent.',
    }),
    emailFrom: optionalText({
      env: 'EMAIL_SOURCE_ADDRESS',
      description: 'Who mails come from: an address, or `Name <address>`.',
    }),
    matrixUrl: optionalUrl('https?', 'a URL that starts with http:// or https://', {
      env: 'MATRIX_BASE_URL',
      description: 'The Matrix home server; without it nothing is written to rooms.',
    }),
    matrixAccessToken: optionalText({
      env: 'MATRIX_ACCESS_TOKEN',
      secret: true,
      description: 'The access token of the Matrix user that writes.',
    }),
    slackUrl: url({
      env: 'SLACK_API_URL',
      default: 'https://slack.com/api',
      description: 'The web API of Slack.',
    }),
    slackAccessToken: optionalText({
      env: 'SLACK_ACCESS_TOKEN',
      secret: true,
      description: 'The bot token of the Slack app that writes; without it nothing is written to channels.',
    }),
  }),
  providers: structured(ProviderSettings, {
    env: 'PROVIDERS',
    secret: true,
    expects: 'providers by id, each with its `providerType`',
    description: 'Where workers come from, besides `static` and, with the embedded worker, `local`.',
  }),
  worker: Type.Object({
    enabled: toggle({
      env: 'WORKER',
      default: true,
      description: 'Run a worker beside the platform. Roles other than `all` have none.',
    }),
    mode: choice(['built-in', 'pool'], {
      env: 'WORKER_MODE',
      default: 'pool',
      description:
        'What takes the tasks of `local/built-in`: `pool`, workers that are started when there are tasks and end when ' +
        'there are none, or a `built-in` one that is always there. With a database of your own it is always that one.',
    }),
    capacity: Type.Optional(
      whole(1, 1000, {
        env: 'WORKER_CAPACITY',
        description: 'Tasks that are run at once beside the platform; by default one for each core.',
      }),
    ),
    engine: choice(['auto', 'process', 'bubblewrap'], {
      env: 'WORKER_ENGINE',
      default: 'auto',
      description:
        'How tasks are kept apart: `auto` takes bubblewrap where it works, else plain processes. The latter only if ' +
        'no other machine is admitted; otherwise set `process` explicitly.',
    }),
    project: optionalText({
      env: 'WORKER_PROJECT',
      description:
        'A folder that tasks may read, with all below it but the data folder: not the root, a home folder or one of ' +
        'the system. `tyard run` takes that of the graph; by default tasks of `tyard serve` are shown none.',
    }),
    isolateNetwork: toggle({
      env: 'WORKER_ISOLATE_NETWORK',
      default: false,
      description: 'Tasks get no network. Only bubblewrap can do that.',
    }),
  }),
});
export type Config = Static<typeof Config>;
