import { type Static, Type } from 'typebox';
import { exactly } from '../http/index.ts';

const { Array: List, Optional, Record: Named, String: Text, Union } = Type;

const present = Text({ minLength: 1 });

/** The configured names of backends. */
export const Backends = Named(
  // They begin with a letter: JavaScript objects put numeric keys first, and the first backend is the default.
  Text({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' }),
  Union([
    exactly({ type: Type.Literal('disk'), folder: present }),
    exactly({
      type: Type.Literal('s3'),
      bucket: present,
      region: present,
      endpoint: Optional(Text({ pattern: '^https?://[^/]+' })),
      accessKeyId: Optional(present),
      secretAccessKey: Optional(present),
      forcePathStyle: Optional(Type.Boolean()),
      prefix: Optional(Text()),
    }),
  ]),
);
export type Backends = Static<typeof Backends>;

/** A text, told by all of it, its beginning, or a pattern. */
const Matcher = Union([
  exactly({ exact: Text() }),
  exactly({ prefix: Text() }),
  exactly({ regexp: Text({ format: 'regex' }) }),
]);
export type Matcher = Static<typeof Matcher>;

/** Which objects go to a backend. Of several conditions all must hold. */
const PlacementRule = exactly({
  backendId: present,
  when: Union([
    Type.Literal('all'),
    exactly({ name: Optional(Matcher), projectId: Optional(Matcher) }, { minProperties: 1 }),
  ]),
});
export type PlacementRule = Static<typeof PlacementRule>;
export const Placement = List(PlacementRule);

interface PlacementSettings {
  readonly backends?: Backends | undefined;
  readonly backendMap?: readonly PlacementRule[] | undefined;
  readonly artifactBackend?: string | undefined;
  /** The backend that is there without being among these. */
  readonly standard: string;
}

/** What does not fit together in the settings of backends: which setting, and what it is. */
export const mistakesInPlacement = (settings: PlacementSettings): [setting: string, message: string][] => {
  const { backends = {}, backendMap = [], artifactBackend, standard } = settings;
  const isKnown = (id: string): boolean => id === standard || Object.hasOwn(backends, id);
  const unknown = (id: string): string => `names the backend ${id}, which is not configured`;
  const wanted = backendMap.map(({ backendId }) => backendId).filter((id) => !isKnown(id));
  const halves = Object.entries(backends).filter(
    ([, backend]) => backend.type === 's3' && !backend.accessKeyId !== !backend.secretAccessKey,
  );
  return [
    ...(Object.hasOwn(backends, standard)
      ? ([['backends', `${standard} is the name of the standard backend: choose another`]] as const)
      : []),
    ...halves.map(
      ([id]) => ['backends', `${id} needs accessKeyId and secretAccessKey, or none of both`] as const,
    ),
    ...wanted.map((id) => ['backendMap', unknown(id)] as const),
    ...(artifactBackend === undefined || isKnown(artifactBackend)
      ? []
      : ([['artifactBackend', unknown(artifactBackend)]] as const)),
  ].map(([setting, message]) => [setting, message]);
};

const matches = (matcher: Matcher | undefined, text: string): boolean => {
  if (matcher === undefined) return true;
  if ('exact' in matcher) return text === matcher.exact;
  if ('prefix' in matcher) return text.startsWith(matcher.prefix);
  return new RegExp(matcher.regexp).test(text);
};

/** The backend of the first rule that holds for an object; undefined when none does. */
export const backendFor = (
  rules: readonly PlacementRule[],
  object: { readonly name: string; readonly projectId: string },
): string | undefined =>
  rules.find(
    ({ when }) =>
      when === 'all' || (matches(when.name, object.name) && matches(when.projectId, object.projectId)),
  )?.backendId;
