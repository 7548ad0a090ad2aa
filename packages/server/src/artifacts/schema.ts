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
import { TaskStatus, Version } from '../queue/index.ts';

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

/** The most artifacts of one request. */
export const artifactsAtOnceMax = 1000;

const CreateArtifactsRequest = exactly(
  {
    artifacts: Type.Array(exactly({ name: PrintableName, artifact: PostArtifactRequest }), {
      minItems: 1,
      maxItems: artifactsAtOnceMax,
    }),
  },
  { title: 'Request for many artifacts of a run' },
);
export type CreateArtifactsRequest = Static<typeof CreateArtifactsRequest>;
export const createArtifactsRequest = publish('queue', 'create-artifacts-request', CreateArtifactsRequest);

const CreateArtifactsResponse = exactly(
  {
    artifacts: Type.Array(
      exactly({
        name: PrintableName,
        created: Optional(PostArtifactResponse),
        error: Optional(
          exactly(
            {
              statusCode: Type.Integer({ description: 'The HTTP status that it would have had alone.' }),
              code: Text(),
              message: Text(),
            },
            { description: 'Why this artifact was refused.' },
          ),
        ),
      }),
      {
        description:
          'One for each artifact, in the order of the request: what `createArtifact` returns, or an error.',
      },
    ),
  },
  { title: 'Answers about many artifacts' },
);
export type CreateArtifactsResponse = Static<typeof CreateArtifactsResponse>;
export const createArtifactsResponse = publish('queue', 'create-artifacts-response', CreateArtifactsResponse);

export const FinishArtifactRequest = exactly({ uploadId: Slugid }, { title: 'Word that an upload is done' });
export type FinishArtifactRequest = Static<typeof FinishArtifactRequest>;
export const finishArtifactRequest = publish('queue', 'finish-artifact-request', FinishArtifactRequest);

export const GetArtifactResponse = exactly(
  { storageType: Text(), url: Text({ format: 'uri', description: 'Also the `location` of the reply.' }) },
  { title: 'Where an artifact lies' },
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
