import { type Static, type TSchema, Type } from 'typebox';
import {
  ContentType,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  oneOf,
  PrintableName,
  ProjectId,
  publish,
  RunId,
  Slugid,
} from '../http/index.ts';
import { Refusal, TaskStatus, Version } from '../queue/index.ts';

const { Optional, String: Text } = Type;

/** Exactly one of these shapes; the `storageType` tells which. */
const oneShapeOf = <const Shapes extends readonly TSchema[]>(shapes: Shapes, options: { title: string }) =>
  Type.Unsafe<Static<Shapes[number]>>({ oneOf: [...shapes], ...options });

export const storageTypes = ['s3', 'object', 'reference', 'link', 'error'] as const;
export type StorageType = (typeof storageTypes)[number];

export const errorReasons = [
  'file-missing-on-worker',
  'invalid-resource-on-worker',
  'too-large-file-on-worker',
  'file-not-readable-on-worker',
] as const;

const Uri = Text({ format: 'uri' });
const Expires = Text({
  format: 'date-time',
  description: 'When it is deleted; at the latest with its task.',
});
const ContentLength = Optional(Type.Integer({ minimum: 0, description: 'In bytes.' }));

export const PostArtifactRequest = oneShapeOf(
  [
    exactly(
      {
        storageType: oneOf(['s3']),
        expires: Expires,
        contentType: ContentType,
        contentLength: ContentLength,
      },
      { title: 'A file, uploaded to a signed URL' },
    ),
    exactly(
      {
        storageType: oneOf(['object']),
        expires: Expires,
        contentType: ContentType,
        contentLength: ContentLength,
      },
      { title: 'A file, uploaded through the object service' },
    ),
    exactly(
      {
        storageType: oneOf(['reference']),
        expires: Expires,
        contentType: ContentType,
        url: Text({ format: 'uri', description: 'Where readers are sent, without any credentials.' }),
      },
      { title: 'A URL elsewhere' },
    ),
    exactly(
      {
        storageType: oneOf(['link']),
        expires: Expires,
        contentType: Optional(ContentType),
        artifact: Text({ description: 'The name of another artifact of the same run.' }),
      },
      { title: 'Another name for an artifact' },
    ),
    exactly(
      {
        storageType: oneOf(['error']),
        expires: Expires,
        reason: oneOf(errorReasons),
        message: Text({ maxLength: 4096, description: 'For people.' }),
      },
      { title: 'Notice that an artifact could not be made' },
    ),
  ],
  { title: 'Request for an artifact' },
);
export type PostArtifactRequest = Static<typeof PostArtifactRequest>;
export const postArtifactRequest = publish('queue', 'post-artifact-request', PostArtifactRequest);

/** The most artifacts in one request. */
export const artifactsMax = 500;

/** The largest bytes that come along with the request for an artifact. */
export const contentBytesMax = 8192;

const ArtifactContent = exactly(
  {
    base64: Text({
      maxLength: Math.ceil(contentBytesMax / 3) * 4,
      description: `The bytes as readers are to get them, at most ${contentBytesMax}.`,
    }),
    sha256: Text({ pattern: '^[0-9a-f]{64}$', description: 'Of these bytes, in hexadecimal.' }),
    contentEncoding: Optional(oneOf(['gzip'], { description: 'How they are compressed.' })),
  },
  { description: 'The bytes of an artifact of type `s3`. Without them the answer says where to upload.' },
);

export const CreateArtifactsRequest = exactly(
  {
    artifacts: Type.Array(
      exactly({
        name: Text({ ...PrintableName, maxLength: 1024 }),
        artifact: PostArtifactRequest,
        content: Optional(ArtifactContent),
      }),
      { minItems: 1, maxItems: artifactsMax },
    ),
  },
  { title: 'Request for many artifacts' },
);
export type CreateArtifactsRequest = Static<typeof CreateArtifactsRequest>;
export const createArtifactsRequest = publish('queue', 'create-artifacts-request', CreateArtifactsRequest);

export const ObjectCredentials = exactly(
  {
    clientId: Text({ minLength: 1 }),
    accessToken: Text({ minLength: 1 }),
    certificate: Text({ minLength: 1, description: 'A JSON text; it goes into the `ext` of Hawk.' }),
  },
  { title: 'Credentials for one object' },
);
export type ObjectCredentials = Static<typeof ObjectCredentials>;
export const objectCredentials = publish('queue', 'object-credentials', ObjectCredentials);

export const PostArtifactResponse = oneShapeOf(
  [
    exactly(
      {
        storageType: oneOf(['s3']),
        putUrl: Text({ format: 'uri', description: 'Takes one PUT with the very content type below.' }),
        expires: Text({ format: 'date-time', description: 'When the URL ceases to work.' }),
        contentType: ContentType,
      },
      { title: 'Where to upload' },
    ),
    exactly(
      {
        storageType: oneOf(['object']),
        name: Text({ ...PrintableName, description: 'The name of the object to upload.' }),
        projectId: ProjectId,
        uploadId: Slugid,
        expires: DateTime,
        credentials: ObjectCredentials,
      },
      { title: 'What to upload to the object service' },
    ),
    exactly({ storageType: oneOf(['reference']) }, { title: 'Nothing to upload' }),
    exactly({ storageType: oneOf(['link']) }, { title: 'Nothing to upload' }),
    exactly({ storageType: oneOf(['error']) }, { title: 'Nothing to upload' }),
  ],
  { title: 'What to do next for an artifact' },
);
export type PostArtifactResponse = Static<typeof PostArtifactResponse>;
export const postArtifactResponse = publish('queue', 'post-artifact-response', PostArtifactResponse);

export const CreateArtifactsResponse = exactly(
  {
    artifacts: Type.Array(
      exactly({
        name: Text(),
        artifact: Optional(PostArtifactResponse),
        isStored: Optional(Type.Boolean({ description: 'Its bytes came along and are stored.' })),
        error: Optional(Refusal),
      }),
      {
        description:
          'One for each artifact, in the order of the request: what `createArtifact` would answer, or that nothing is ' +
          'to be uploaded, or an error.',
      },
    ),
  },
  { title: 'Answers for many artifacts' },
);
export type CreateArtifactsResponse = Static<typeof CreateArtifactsResponse>;
export const createArtifactsResponse = publish('queue', 'create-artifacts-response', CreateArtifactsResponse);

/** What S3 stores at one key at most. */
const largestBytes = 5 * 2 ** 40;
const partsMax = 1024;
const UploadId = Text({ minLength: 1, maxLength: 1024, description: 'Names the upload in parts.' });
const LargeLength = Type.Integer({
  minimum: 1,
  maximum: largestBytes,
  description: 'Of all parts, in bytes.',
});

export const CreateArtifactInPartsRequest = exactly(
  {
    expires: Expires,
    contentType: ContentType,
    contentEncoding: Optional(oneOf(['gzip'])),
    contentLength: LargeLength,
    uploadId: Optional(
      Text({ ...UploadId, description: 'An upload that was begun before, for fresh URLs.' }),
    ),
  },
  { title: 'A file that is uploaded in parts' },
);
export type CreateArtifactInPartsRequest = Static<typeof CreateArtifactInPartsRequest>;
export const createArtifactInPartsRequest = publish(
  'queue',
  'create-artifact-in-parts-request',
  CreateArtifactInPartsRequest,
);

export const CreateArtifactInPartsResponse = exactly(
  {
    uploadId: UploadId,
    partLength: Type.Integer({ description: 'Of each part but the last, in bytes.' }),
    partUrls: Type.Array(Text({ format: 'uri' }), {
      description: 'Each takes one part by PUT, in order, and replies with an `etag`.',
    }),
    expires: Text({ format: 'date-time', description: 'When the URLs cease to work.' }),
  },
  { title: 'Where to upload the parts' },
);
export type CreateArtifactInPartsResponse = Static<typeof CreateArtifactInPartsResponse>;
export const createArtifactInPartsResponse = publish(
  'queue',
  'create-artifact-in-parts-response',
  CreateArtifactInPartsResponse,
);

export const FinishArtifactInPartsRequest = exactly(
  {
    uploadId: UploadId,
    contentLength: LargeLength,
    etags: Type.Array(Text({ minLength: 1, maxLength: 256 }), {
      minItems: 1,
      maxItems: partsMax,
      description: 'What the store replied to each part, in order.',
    }),
  },
  { title: 'Word that all parts are uploaded' },
);
export type FinishArtifactInPartsRequest = Static<typeof FinishArtifactInPartsRequest>;
export const finishArtifactInPartsRequest = publish(
  'queue',
  'finish-artifact-in-parts-request',
  FinishArtifactInPartsRequest,
);

export const FinishArtifactRequest = exactly({ uploadId: Slugid }, { title: 'Word that an upload is done' });
export type FinishArtifactRequest = Static<typeof FinishArtifactRequest>;
export const finishArtifactRequest = publish('queue', 'finish-artifact-request', FinishArtifactRequest);

export const GetArtifactResponse = exactly(
  { storageType: Text(), url: Text({ format: 'uri', description: 'Also the `location` of the reply.' }) },
  { title: 'Where an artifact is' },
);
export type GetArtifactResponse = Static<typeof GetArtifactResponse>;
export const getArtifactResponse = publish('queue', 'get-artifact-response', GetArtifactResponse);

export const ArtifactResponse = exactly(
  {
    storageType: oneOf(storageTypes),
    name: Text({ maxLength: 1024 }),
    expires: DateTime,
    contentType: ContentType,
    contentLength: ContentLength,
  },
  { title: 'Artifact' },
);
export type ArtifactResponse = Static<typeof ArtifactResponse>;
export const artifactResponse = publish('queue', 'artifact-response', ArtifactResponse);

export const ListArtifactsResponse = exactly(
  { artifacts: distinct(ArtifactResponse), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of artifacts' },
);
export type ListArtifactsResponse = Static<typeof ListArtifactsResponse>;
export const listArtifactsResponse = publish('queue', 'list-artifacts-response', ListArtifactsResponse);

const literally = <const Value extends string>(value: Value) => Type.Unsafe<Value>({ const: value });

export const ArtifactContentResponse = oneShapeOf(
  [
    exactly({ storageType: literally('s3'), url: Uri }, { title: 'Fetch it from this URL' }),
    exactly(
      { storageType: literally('object'), name: PrintableName, credentials: ObjectCredentials },
      { title: 'Fetch it from the object service' },
    ),
    exactly({ storageType: literally('reference'), url: Uri }, { title: 'Fetch it from this URL' }),
    exactly(
      { storageType: literally('error'), reason: Text(), message: Text() },
      { title: 'Why there is no artifact' },
    ),
  ],
  { title: 'How to fetch an artifact' },
);
export type ArtifactContentResponse = Static<typeof ArtifactContentResponse>;
export const artifactContentResponse = publish('queue', 'artifact-content-response', ArtifactContentResponse);

export const ArtifactCreatedMessage = exactly(
  {
    version: Version,
    status: TaskStatus,
    runId: RunId,
    workerGroup: Identifier,
    workerId: Identifier,
    artifact: exactly({
      storageType: oneOf(['reference', 'link', 'error', 'object']),
      name: Text({ maxLength: 1024 }),
      expires: DateTime,
      contentType: ContentType,
    }),
  },
  { title: 'An artifact can be read', description: 'Not sent for artifacts of type s3.' },
);
export type ArtifactCreatedMessage = Static<typeof ArtifactCreatedMessage>;
export const artifactCreatedMessage = publish('queue', 'artifact-created-message', ArtifactCreatedMessage);
