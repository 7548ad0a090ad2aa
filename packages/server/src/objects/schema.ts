import { type Static, Type } from 'typebox';
import { DateTime, exactly, ProjectId, publish, Slugid } from '../http/index.ts';

const { Optional, String: Text } = Type;

const Yes = (options: Readonly<Record<string, unknown>> = {}) =>
  Type.Unsafe<true>({ type: 'boolean', const: true, ...options });
const Only = <const Value extends string>(value: Value) =>
  Type.Unsafe<Value>({ type: 'string', const: value });
const open = { additionalProperties: true };

const knownHashes = {
  sha256: Optional(Text({ pattern: '^[a-z0-9]{64}$' })),
  sha512: Optional(Text({ pattern: '^[a-z0-9]{128}$' })),
};
const UploadHashes = Type.Object(knownHashes, {
  ...open,
  title: 'Hashes given with an upload',
  description: 'In hexadecimal, by algorithm. Later calls may add some; none may change.',
});
const DownloadHashes = Type.Object(knownHashes, {
  ...open,
  title: 'Hashes to check a download against',
  description: 'In hexadecimal, by algorithm.',
});
export type Hashes = Readonly<Record<string, string>>;

export const hashes = publish(
  'object',
  'hashes',
  Type.Unsafe({ title: 'Hashes', definitions: { upload: UploadHashes, download: DownloadHashes } }),
);

// 8 KiB in base64, rounded up as the published bound has it; the exact bound is checked on the bytes.
const DataInlineRequest = exactly(
  {
    contentType: Text({ description: 'What downloads will be sent as.' }),
    objectData: Text({ maxLength: 10_926, description: 'At most 8 KiB, in base64.' }),
  },
  { title: 'Upload within the request' },
);
const DataInlineResponse = Yes({ title: 'The bytes have arrived' });
export const uploadMethodDataInline = publish(
  'object',
  'upload-method-data-inline',
  Type.Unsafe({
    title: 'Upload method dataInline',
    definitions: { request: DataInlineRequest, response: DataInlineResponse },
  }),
);

const PutUrlRequest = exactly(
  { contentType: Text(), contentLength: Type.Integer({ description: 'In bytes.' }) },
  { title: 'Request for a URL to upload to' },
);
const PutUrlResponse = exactly(
  {
    url: Text({ format: 'uri' }),
    expires: Text({ format: 'date-time', description: 'Afterwards, ask for another.' }),
    headers: Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'To be sent with the PUT exactly as they are.',
    }),
  },
  { title: 'Where to PUT the bytes' },
);
export const uploadMethodPutUrl = publish(
  'object',
  'upload-method-put-url',
  Type.Unsafe({
    title: 'Upload method putUrl',
    definitions: { request: PutUrlRequest, response: PutUrlResponse },
  }),
);

export const CreateUploadRequest = exactly(
  {
    projectId: ProjectId,
    uploadId: Text({ ...Slugid, description: 'Made up by the uploader; names this upload in later calls.' }),
    expires: Text({ format: 'date-time', description: 'When the object is deleted.' }),
    hashes: Optional(UploadHashes),
    proposedUploadMethods: exactly(
      { dataInline: Optional(DataInlineRequest), putUrl: Optional(PutUrlRequest) },
      { title: 'The methods that the uploader can use' },
    ),
  },
  { title: 'Request for an upload' },
);
export type CreateUploadRequest = Static<typeof CreateUploadRequest>;
export const createUploadRequest = publish('object', 'create-upload-request', CreateUploadRequest);

export const CreateUploadResponse = exactly(
  {
    projectId: ProjectId,
    uploadId: Slugid,
    expires: DateTime,
    uploadMethod: exactly(
      { dataInline: Optional(DataInlineResponse), putUrl: Optional(PutUrlResponse) },
      { minProperties: 0, maxProperties: 1, title: 'The method chosen, or none' },
    ),
  },
  { title: 'Upload' },
);
export type CreateUploadResponse = Static<typeof CreateUploadResponse>;
export const createUploadResponse = publish('object', 'create-upload-response', CreateUploadResponse);

export const FinishUploadRequest = exactly(
  { projectId: ProjectId, uploadId: Slugid, hashes: Optional(UploadHashes) },
  { title: 'Word that an upload is done' },
);
export type FinishUploadRequest = Static<typeof FinishUploadRequest>;
export const finishUploadRequest = publish('object', 'finish-upload-request', FinishUploadRequest);

const GetUrlRequest = Yes();
const GetUrlResponse = exactly(
  {
    method: Only('getUrl'),
    url: Text({ format: 'uri', description: 'To be fetched with GET; redirects are not to be followed.' }),
    expires: Text({ format: 'date-time', description: 'Afterwards, ask for another URL.' }),
    hashes: DownloadHashes,
  },
  { title: 'Download by URL, to be checked by hashes' },
);
export const downloadMethodGetUrl = publish(
  'object',
  'download-method-geturl',
  Type.Unsafe({
    title: 'Download method getUrl',
    definitions: { request: GetUrlRequest, response: GetUrlResponse },
  }),
);

const SimpleRequest = Yes();
const SimpleResponse = exactly(
  { method: Only('simple'), url: Text({ format: 'uri' }) },
  { title: 'Download by URL alone' },
);
export const downloadMethodSimple = publish(
  'object',
  'download-method-simple',
  Type.Unsafe({
    title: 'Download method simple',
    definitions: { request: SimpleRequest, response: SimpleResponse },
  }),
);

export const DownloadObjectRequest = exactly(
  {
    acceptDownloadMethods: exactly(
      { getUrl: Optional(GetUrlRequest), simple: Optional(SimpleRequest) },
      { title: 'The methods that the downloader can use' },
    ),
  },
  { title: 'Request for a download' },
);
export type DownloadObjectRequest = Static<typeof DownloadObjectRequest>;
export const downloadObjectRequest = publish('object', 'download-object-request', DownloadObjectRequest);

export const DownloadObjectResponse = Type.Unsafe<
  Static<typeof SimpleResponse> | Static<typeof GetUrlResponse>
>({ title: 'How to download', oneOf: [SimpleResponse, GetUrlResponse] });
export type DownloadObjectResponse = Static<typeof DownloadObjectResponse>;
export const downloadObjectResponse = publish('object', 'download-object-response', DownloadObjectResponse);

export const ObjectMetadata = exactly(
  { projectId: ProjectId, expires: DateTime, hashes: DownloadHashes },
  { title: 'Object' },
);
export type ObjectMetadata = Static<typeof ObjectMetadata>;
export const getObjectResponse = publish('object', 'get-object-response', ObjectMetadata);
