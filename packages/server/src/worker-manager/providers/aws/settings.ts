import { type Static, Type } from 'typebox';
import { exactly } from '../../../http/index.ts';

const { Optional, String: Text } = Type;

/** The configuration of a provider of type `aws`. Regions are named in the launch configs of pools. */
export const AwsSettings = exactly({
  providerType: Type.Literal('aws'),
  endpoint: Optional(
    Text({ pattern: '^https?://[^/]+', description: 'Where EC2 listens, when it is not Amazon that does.' }),
  ),
  accessKeyId: Optional(
    Text({ minLength: 1, description: "By default the AWS library's usual sources are searched." }),
  ),
  secretAccessKey: Optional(Text({ minLength: 1 })),
  certificates: Optional(
    Type.Array(Text({ pattern: '-----BEGIN CERTIFICATE-----' }), {
      maxItems: 100,
      description:
        'Certificates in PEM that Amazon signs identity documents with, of all regions in use. Without any no worker ' +
        'can register.',
    }),
  ),
  regions: Optional(
    Type.Array(Text({ pattern: '^[a-z0-9-]{1,40}$' }), {
      maxItems: 100,
      description: 'Regions to look for lost instances in, besides those that were used in the last week.',
    }),
  ),
  sweepSeconds: Optional(
    Type.Integer({
      minimum: 1,
      maximum: 600,
      description: 'Pause between looks at all instances; 15 if absent.',
    }),
  ),
});
export type AwsSettings = Static<typeof AwsSettings>;
