import { RequestError } from '../base/index.ts';
import type { GithubApi } from './api/index.ts';
import type { Context } from './context.ts';
import type { GithubAppSettings } from './schema/index.ts';

const notConfigured = (): never => {
  throw new RequestError(
    'ResourceNotFound',
    'This server has no GitHub app: its operator has to set github.appId, github.privateKey and github.webhookSecret.',
  );
};

/** GitHub, by the app; refuses when its operator has set up none. */
export const requireApi = ({ api }: Pick<Context, 'api'>): GithubApi => api ?? notConfigured();

/** The app; refuses when there is none. */
export const requireSettings = ({ settings }: Pick<Context, 'settings'>): GithubAppSettings =>
  settings ?? notConfigured();
