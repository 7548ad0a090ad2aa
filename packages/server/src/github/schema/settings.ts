/** The GitHub app that an operator has made. */
export interface GithubAppSettings {
  readonly appId: string;
  /** PEM, as GitHub hands it out. */
  readonly privateKey: string;
  /** What deliveries may be signed with: one, or two while it is changed. */
  readonly webhookSecrets: readonly string[];
  /** Of the REST API, without a slash at its end. */
  readonly apiUrl: string;
  /** What commit statuses and the check of a whole build begin with. */
  readonly statusContext: string;
}
