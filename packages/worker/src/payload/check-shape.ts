import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { Type } from 'typebox';
import { DockerWorkerPayload, imageShapes } from './docker-worker-schema.ts';
import { contentShapes, GenericWorkerPayload, mountShapes } from './generic-worker-schema.ts';

const ajv = new Ajv({ allErrors: true, strict: false });
addFormats.default(ajv);

// A union's errors name every kind that a value is not. So each mount, content and image is
// checked against the one kind that its properties say it is; the rest of the payload without them.
const anyObject = Type.Object({});
const compileEach = <Name extends string>(shapes: Readonly<Record<Name, object>>) =>
  Object.entries(shapes).map(
    ([key, shape]) => [key, ajv.compile(shape as object)] as [Name, ValidateFunction],
  );

const withoutContent = ({ properties, ...shape }: { properties: Record<string, object> }): object => ({
  ...shape,
  properties: properties.content ? { ...properties, content: anyObject } : properties,
});

const isGenericWorkerPayload = ajv.compile({
  ...GenericWorkerPayload,
  properties: { ...GenericWorkerPayload.properties, mounts: Type.Array(anyObject) },
});
const isDockerWorkerPayload = ajv.compile({
  ...DockerWorkerPayload,
  properties: { ...DockerWorkerPayload.properties, image: {} },
});
const imageKinds = compileEach(imageShapes);
const mountKinds = compileEach({
  cacheName: withoutContent(mountShapes.cacheName),
  directory: withoutContent(mountShapes.directory),
  file: withoutContent(mountShapes.file),
});
const contentKinds = compileEach(contentShapes);

// What old and other workers know, and why this format does not have it.
const foreign: Readonly<Record<string, string>> = {
  rdpInfo: 'only workers on Windows have it',
  runAsAdministrator: 'only workers on Windows have it',
  hideCmdWindow: 'only workers on Windows have it',
  encryptedEnv: 'no worker reads it any more; the secrets service keeps secrets',
  ...Object.fromEntries(
    [
      'azureLiveLog',
      'balrogStageVPNProxy',
      'balrogVPNProxy',
      'extendTaskGraph',
      'relengAPIProxy',
      'testdroidProxy',
    ].map((name) => [name, 'no worker has it any more']),
  ),
};

/** One error as a sentence fragment: where, and what is wrong. */
const sentence = (at: string, { instancePath, message, params }: ErrorObject): string => {
  const { additionalProperty, allowedValues } = params as {
    additionalProperty?: string;
    allowedValues?: unknown[];
  };
  const why = Object.hasOwn(foreign, additionalProperty ?? '')
    ? foreign[additionalProperty ?? '']
    : undefined;
  const detail = additionalProperty
    ? `: ${additionalProperty}${why === undefined ? '' : ` (${why})`}`
    : allowedValues
      ? `: ${allowedValues.join(', ')}`
      : '';
  return `payload${at}${instancePath} ${message ?? 'is wrong'}${detail}`;
};

const errorsOf = (validate: ValidateFunction, value: unknown, at: string): string[] =>
  validate(value) ? [] : (validate.errors ?? []).map((error) => sentence(at, error));

type Kinds = readonly (readonly [string, ValidateFunction])[];

const errorsByKind = (kinds: Kinds, value: object, at: string): string[] => {
  const kind = kinds.find(([key]) => key in value);
  if (kind) return errorsOf(kind[1], value, at);
  return [`payload${at} must have one of the properties ${kinds.map(([key]) => key).join(', ')}`];
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mountErrors = (mount: unknown, index: number): string[] => {
  if (!isObject(mount)) return [];
  const at = `/mounts/${index}`;
  const { content } = mount;
  return [
    ...errorsByKind(mountKinds, mount, at),
    ...(isObject(content) ? errorsByKind(contentKinds, content, `${at}/content`) : []),
  ];
};

/** All mistakes of a generic-worker payload by its schema; empty when it is valid. */
export const genericWorkerShapeErrors = (payload: unknown): string[] => {
  const mounts = isObject(payload) && Array.isArray(payload.mounts) ? payload.mounts : [];
  return [...errorsOf(isGenericWorkerPayload, payload, ''), ...mounts.flatMap(mountErrors)];
};

/**
 * The fields of a misshapen payload that are right, in the smallest payload of its format: so that their other mistakes
 * are told together with those of the shape.
 */
export const soundPart = <Payload extends object>(
  payload: unknown,
  smallest: Payload,
  shapeErrors: (payload: unknown) => string[],
): Payload => {
  const fields = isObject(payload) ? Object.entries(payload) : [];
  const sound = fields.filter(([name, value]) => shapeErrors({ ...smallest, [name]: value }).length === 0);
  return { ...smallest, ...Object.fromEntries(sound) };
};

const imageErrors = (image: unknown): string[] => {
  if (typeof image === 'string') return image === '' ? ['payload/image is empty'] : [];
  const kind = imageKinds.find(([type]) => isObject(image) && image.type === type);
  if (kind) return errorsOf(kind[1], image, '/image');
  return [`payload/image must be a name, or have one of the types ${Object.keys(imageShapes).join(', ')}`];
};

/** All mistakes of a docker-worker payload by its schema; empty when it is valid. */
export const dockerWorkerShapeErrors = (payload: unknown): string[] => [
  ...errorsOf(isDockerWorkerPayload, payload, ''),
  ...(isObject(payload) && 'image' in payload ? imageErrors(payload.image) : []),
];
