import { type Clock, hours, RequestError } from '../../../base/index.ts';
import { Reply } from '../../../http/index.ts';
import type { AwsS3Credentials, AwsSettings } from '../../schema/index.ts';
import type { Asking } from '../changes.ts';
import { notConfigured } from './not-configured.ts';

export interface S3Wanted {
  readonly level: string;
  readonly bucket: string;
  readonly prefix: string;
}

const lifeSeconds = hours(1) / 1000;
const isReadOnly = ({ level }: S3Wanted): boolean => level === 'read-only';

// These characters have a special meaning in a policy, unless they are escaped like this.
const literally = (text: string): string => text.replace(/[*?$]/g, (char) => `\${${char}}`);

/** What credentials for a prefix of a bucket allow: its objects, and to list them. No ACL can be changed. */
export const policyFor = (wanted: S3Wanted): object => {
  const bucket = `arn:aws:s3:::${wanted.bucket}`;
  const beginning = `${literally(wanted.prefix)}*`;
  const allow = (Sid: string, actions: readonly string[], resource: string) => ({
    Sid,
    Effect: 'Allow',
    Action: actions.map((action) => `s3:${action}`),
    Resource: [resource],
  });
  const objects = isReadOnly(wanted) ? ['GetObject'] : ['GetObject', 'PutObject', 'DeleteObject'];
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Objects', objects, `${bucket}/${beginning}`),
      {
        ...allow('List', ['ListBucket'], bucket),
        Condition: { StringLike: { 's3:prefix': [beginning] } },
      },
      allow('Location', ['GetBucketLocation'], bucket),
    ],
  };
};

// Errors of STS for a policy that is too large or malformed, which the prefix causes.
const policyErrors = new Set(['PackedPolicyTooLargeException', 'MalformedPolicyDocumentException']);

const federate = async (settings: AwsSettings, wanted: S3Wanted) => {
  const key = settings.buckets.find(({ buckets }) => buckets.includes(wanted.bucket));
  if (!key) {
    throw new RequestError(
      'ResourceNotFound',
      `There are no credentials for the bucket '${wanted.bucket}': the setting aws.buckets does not name it.`,
    );
  }
  // Loading the SDK takes time and memory, so it is loaded only when it is needed.
  const { STSClient, GetFederationTokenCommand } = await import('@aws-sdk/client-sts');
  const { accessKeyId, secretAccessKey } = key;
  const client = new STSClient({
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    ...(settings.stsUrl ? { endpoint: settings.stsUrl } : {}),
  });
  const command = new GetFederationTokenCommand({
    Name: 'taskyard',
    Policy: JSON.stringify(policyFor(wanted)),
    DurationSeconds: lifeSeconds,
  });
  try {
    return await client.send(command);
  } catch (error) {
    if (!policyErrors.has((error as Error).name)) throw error;
    throw new RequestError('InputError', `AWS does not take this prefix: ${(error as Error).message}`);
  } finally {
    client.destroy();
  }
};

const credentialsFrom = async (settings: AwsSettings, wanted: S3Wanted): Promise<AwsS3Credentials> => {
  const { Credentials } = await federate(settings, wanted);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new Error('STS replied without credentials.');
  }
  return {
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    },
    expires: Expiration.toJSON(),
  };
};

/** The verb that gives access to buckets. */
export const awsVerbs = (clock: Clock, settings: AwsSettings | undefined) => ({
  /** Credentials for a prefix of a bucket, for an hour; with a `format`, in the format of instances. */
  awsS3Credentials: async (
    { authorize }: Asking,
    { format, ...wanted }: S3Wanted & { readonly format?: string },
  ): Promise<AwsS3Credentials | Reply> => {
    authorize({ levelIsReadOnly: isReadOnly(wanted) });
    const known = settings ?? notConfigured('credentials for S3', 'aws.buckets');
    const { credentials, expires } = await credentialsFrom(known, wanted);
    if (format === undefined) return { credentials, expires };
    return new Reply(200, {
      Code: 'Success',
      Type: 'AWS-HMAC',
      LastUpdated: clock.now().toJSON(),
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.sessionToken,
      Expiration: expires,
    });
  },
});
