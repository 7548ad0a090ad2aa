import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A check run as GitHub keeps it. */
export interface FakeCheckRun {
  readonly id: number;
  readonly head_sha: string;
  readonly name: string;
  readonly external_id: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly details_url: string;
  readonly output?:
    | undefined
    | {
        readonly title: string;
        readonly summary: string;
        readonly text?: string;
        /** All that were sent: each call adds some. */
        readonly annotations?: readonly object[];
      };
  readonly check_suite: { readonly id: number };
}

export interface FakeStatus {
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly target_url: string | null;
}

export interface FakeComment {
  /** `issues/3`, `commits/abc…` */
  readonly place: string;
  readonly body: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * GitHub for tests: the part of its REST API that the service uses, with the shapes and limits of its published
 * description. What a test wants there it puts into `files`, `collaborators` and `pulls`.
 */
export interface FakeGithub {
  readonly url: string;
  readonly appId: string;
  readonly privateKey: string;
  readonly secret: string;
  /** `owner/repo` → `ref:path` → text; the ref of the default branch is empty. */
  readonly files: Map<string, string>;
  readonly collaborators: Set<string>;
  readonly pulls: Map<number, object>;
  readonly checkRuns: FakeCheckRun[];
  /** Every state that a check run was in, in order: `name status conclusion`. */
  readonly history: string[];
  readonly statuses: FakeStatus[];
  readonly comments: FakeComment[];
  /** `+1 7`: what was put to the comment 7. */
  readonly reactions: string[];
  /** What was asked for, as `GET /repos/…`. */
  readonly calls: string[];
  /** Replies instead of it, as long as it returns something. */
  interrupt: ((asked: Asked) => Answer | undefined) | undefined;
  /** The headers of a delivery of this body. */
  headersFor(event: string, body: string, eventId?: string): Record<string, string>;
  close(): Promise<void>;
}

// What the published description says of these.
const [textMax, descriptionMax, commentMax, annotationsMax] = [65_535, 140, 65_536, 50];
const contentMax = 2 ** 20;

const shaOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

const [installationId, installationToken] = [4711, 'ghs_of_the_installation'];

const isSignedByApp = (
  { authorization = '' }: IncomingHttpHeaders,
  appId: string,
  key: KeyObject,
): boolean => {
  const [head = '', claims = '', signature = ''] = authorization.replace(/^bearer /i, '').split('.');
  const { iss, exp, iat } = JSON.parse(String(Buffer.from(claims, 'base64url')) || '{}');
  const isGood = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  return isGood && String(iss) === appId && exp - iat <= 660;
};

const invalid = (message: string): Answer => ({
  status: 422,
  body: { message: 'Invalid request.', errors: [message], documentation_url: 'https://docs.github.com/rest' },
});
const notFound: Answer = { status: 404, body: { message: 'Not Found' } };

const tooLong = (output: FakeCheckRun['output']): string | undefined =>
  output &&
  [output.summary, output.text ?? ''].some(
    (text) => Buffer.byteLength(text) > textMax || text.length > textMax,
  )
    ? `Only ${textMax} characters are allowed.`
    : undefined;

const refusedAnnotation = (given: object): boolean => {
  const { path, start_line, end_line, annotation_level, message } = given as Record<string, unknown>;
  const isWhole = Number.isInteger(start_line) && Number.isInteger(end_line);
  return (
    !path || !message || !isWhole || !['notice', 'warning', 'failure'].includes(String(annotation_level))
  );
};

const wrongOutput = (output: FakeCheckRun['output']): string | undefined => {
  const { annotations = [] } = output ?? {};
  if (annotations.length > annotationsMax) return `Only ${annotationsMax} annotations are allowed.`;
  return annotations.some(refusedAnnotation) ? 'annotations' : tooLong(output);
};

/** The page of a list that a query asks for. */
const pageOf = <Item>(items: readonly Item[], query = ''): readonly Item[] => {
  const { per_page: size = '30', page = '1' } = Object.fromEntries(new URLSearchParams(query));
  const [from, count] = [(Number(page) - 1) * Number(size), Number(size)];
  return items.slice(from, from + count);
};

type Handler = (found: readonly string[], asked: Asked, github: FakeGithub) => Answer;

let ids = 1000;

/** Annotations are added to those that are there. */
const outputOf = (run: FakeCheckRun, given: FakeCheckRun['output']): FakeCheckRun['output'] => {
  if (!given) return run.output;
  const annotations = [...(run.output?.annotations ?? []), ...(given.annotations ?? [])];
  return { ...given, annotations };
};

const updated = (
  run: FakeCheckRun,
  { status = run.status, ...body }: Record<string, unknown>,
): FakeCheckRun => ({
  ...run,
  ...body,
  ...(body.output ? { output: outputOf(run, body.output as FakeCheckRun['output']) } : {}),
  status: body.conclusion ? 'completed' : (status as string),
  conclusion: (body.conclusion as string | undefined) ?? (status === 'completed' ? run.conclusion : null),
});

const remember = (github: FakeGithub, run: FakeCheckRun): void => {
  github.history.push([run.name, run.status, run.conclusion ?? ''].join(' ').trim());
};

const createCheckRun: Handler = (_found, { body }, github) => {
  const wrong = wrongOutput(body.output as FakeCheckRun['output']);
  if (wrong || !body.name || !/^[0-9a-f]{40}$/.test(String(body.head_sha)))
    return invalid(wrong ?? 'name, head_sha');
  const id = ++ids;
  const empty = {
    id,
    conclusion: null,
    status: 'queued',
    check_suite: { id: 77 },
  } as unknown as FakeCheckRun;
  const run = updated(empty, body);
  github.checkRuns.push(run);
  remember(github, run);
  return { status: 201, body: run };
};

const updateCheckRun: Handler = ([id], { body }, github) => {
  const place = github.checkRuns.findIndex((run) => run.id === Number(id));
  const run = github.checkRuns[place];
  if (!run) return notFound;
  const wrong = wrongOutput(body.output as FakeCheckRun['output']);
  if (wrong) return invalid(wrong);
  const changed = updated(run, body);
  github.checkRuns[place] = changed;
  remember(github, changed);
  return { status: 200, body: changed };
};

const createStatus: Handler = ([sha], { body }, github) => {
  const { state, context = 'default', description = null, target_url = null } = body as Partial<FakeStatus>;
  if (!['error', 'failure', 'pending', 'success'].includes(String(state))) return invalid('state');
  if ((description ?? '').length > descriptionMax)
    return invalid('description is too long (maximum is 140 characters)');
  github.statuses.push({ sha: sha as string, state: state as string, context, description, target_url });
  return { status: 201, body: {} };
};

const createComment: Handler = ([place], { body }, github) => {
  const text = String(body.body);
  if (text.length > commentMax) return invalid('body is too long (maximum is 65536 characters)');
  github.comments.push({ place: place as string, body: text });
  return { status: 201, body: { id: ++ids } };
};

const contents: Handler = ([path, query = ''], _asked, { files }) => {
  const ref = new URLSearchParams(query).get('ref') ?? '';
  const text = files.get(`${ref}:${path}`);
  if (text === undefined) return notFound;
  const bytes = Buffer.from(text);
  const about = {
    type: 'file',
    size: bytes.length,
    name: path,
    sha: shaOf(bytes),
  };
  // The content of larger files is at another place.
  if (bytes.length > contentMax) return { status: 200, body: { ...about, encoding: 'none', content: '' } };
  return { status: 200, body: { ...about, encoding: 'base64', content: bytes.toString('base64') } };
};

const blob: Handler = ([wanted], _asked, { files }) => {
  const bytes = [...files.values()].map((text) => Buffer.from(text)).find((each) => shaOf(each) === wanted);
  const content = bytes?.toString('base64').replace(/.{60}/g, '$&\n');
  return bytes
    ? { status: 200, body: { sha: wanted, size: bytes.length, encoding: 'base64', content } }
    : notFound;
};

/** The commit of a tag or of a branch, each of which is there unless its name is `gone`. */
const commit: Handler = ([ref = '']) => {
  const [tag] = /(?<=^tags\/).+/.exec(ref) ?? [];
  const name = tag ?? ref;
  if (name === 'gone') return notFound;
  return { status: 200, body: { sha: tag === undefined ? 'c'.repeat(40) : 'd'.repeat(40) } };
};

/** Of repositories, by the rest of the path. */
const handlers: readonly (readonly [RegExp, Handler])[] = [
  [/^GET contents\/([^?]+)\??(.*)$/, contents],
  [
    /^GET collaborators\/(.+)$/,
    ([login = ''], _asked, { collaborators }) => ({
      ...notFound,
      ...(collaborators.has(login) ? { status: 204, body: undefined } : {}),
    }),
  ],
  [
    /^GET pulls\/(\d+)$/,
    ([number], _asked, { pulls }) => {
      const pull = pulls.get(Number(number));
      return pull ? { status: 200, body: pull } : notFound;
    },
  ],
  [/^GET git\/blobs\/(.+)$/, blob],
  [/^POST check-runs$/, createCheckRun],
  [/^PATCH check-runs\/(\d+)$/, updateCheckRun],
  [
    /^GET check-runs\/(\d+)\/annotations\?(.*)$/,
    ([id, query], _asked, { checkRuns }) => {
      const run = checkRuns.find((each) => each.id === Number(id));
      return run ? { status: 200, body: pageOf(run.output?.annotations ?? [], query) } : notFound;
    },
  ],
  [
    /^GET commits\/([0-9a-f]+)\/check-runs\??(.*)$/,
    ([sha, query], _asked, { checkRuns }) => {
      const name = new URLSearchParams(query).get('check_name');
      const runs = checkRuns.filter((run) => run.head_sha === sha && (name === null || run.name === name));
      return { status: 200, body: { total_count: runs.length, check_runs: pageOf(runs, query) } };
    },
  ],
  [/^GET commits\/([^?]+)$/, commit],
  [/^POST statuses\/([0-9a-f]+)$/, createStatus],
  [/^POST (issues\/\d+|commits\/[0-9a-f]+)\/comments$/, createComment],
  [
    /^POST issues\/comments\/(\d+)\/reactions$/,
    ([id], { body }, { reactions }) => {
      reactions.push(`${body.content} ${id}`);
      return { status: 201, body: {} };
    },
  ],
  [
    /^GET (issues\/\d+|commits\/[0-9a-f]+)\/comments\??(.*)$/,
    ([place, query], _asked, { comments }) => ({
      status: 200,
      body: pageOf(
        comments.filter((comment) => comment.place === place),
        query,
      ),
    }),
  ],
];

const inRepository = (asked: Asked, github: FakeGithub): Answer => {
  // A repository by its name or, as redirects of renamed ones do, by its number.
  const rest = asked.path.replace(/^\/(repos\/[^/]+\/[^/]+|repositories\/\d+)\//, '');
  for (const [pattern, handle] of handlers) {
    const [, ...found] = pattern.exec(`${asked.method} ${rest}`) ?? [];
    if (pattern.test(`${asked.method} ${rest}`)) return handle(found.map(decodeURIComponent), asked, github);
  }
  return notFound;
};

interface Identity {
  readonly publicKey: KeyObject;
  /** Repositories that the app is installed in: all but those of `nobody`. */
  readonly headers: IncomingHttpHeaders;
}

const answer = (asked: Asked, github: FakeGithub, { publicKey, headers }: Identity): Answer => {
  const interrupted = github.interrupt?.(asked);
  if (interrupted) return interrupted;
  const isOfApp = /^\/app\/|\/installation$/.test(asked.path);
  if (isOfApp && !isSignedByApp(headers, github.appId, publicKey))
    return { status: 401, body: { message: 'A JSON web token could not be decoded' } };
  if (asked.path === `/app/installations/${installationId}/access_tokens`)
    return {
      status: 201,
      body: { token: installationToken, expires_at: '2099-01-01T00:00:00Z' },
    };
  if (asked.path.endsWith('/installation'))
    return asked.path.startsWith('/repos/nobody/') ? notFound : { status: 200, body: { id: installationId } };
  if (headers.authorization !== `token ${installationToken}`)
    return { status: 401, body: { message: 'Bad credentials' } };
  return inRepository(asked, github);
};

/** Starts GitHub on a port of this machine. */
export const fakeGithub = async (): Promise<FakeGithub> => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = request;
    const body = JSON.parse(String(Buffer.concat(chunks)) || '{}') as Record<string, unknown>;
    github.calls.push(`${method} ${path}`);
    const reply = answer({ method, path, body }, github, { publicKey, headers });
    response.writeHead(reply.status, { 'content-type': 'application/json; charset=utf-8', ...reply.headers });
    response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const secret = 'the-secret-of-the-webhook';
  const github: FakeGithub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    appId: '12345',
    // GitHub hands out this older form.
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    secret,
    files: new Map(),
    collaborators: new Set(),
    pulls: new Map(),
    checkRuns: [],
    history: [],
    statuses: [],
    comments: [],
    reactions: [],
    calls: [],
    interrupt: undefined,
    headersFor: (event, body, eventId = randomUUID()) => ({
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': eventId,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return github;
};

/** The id of the installation that events are of. */
export const installation = { id: installationId };
