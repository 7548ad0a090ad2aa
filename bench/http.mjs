// A small HTTP/1.1 client: Node's own costs more than the server that it would measure.
import { createHmac, randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** The value of a Hawk authorization header; temporary credentials carry their certificate. `more` goes into `ext`. */
const hawk = ({ method, path, host, port }, credentials, more = {}) => {
  const ts = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(6).toString('base64url');
  const { clientId, accessToken, certificate } = credentials;
  const said = { ...(certificate ? { certificate: JSON.parse(certificate) } : {}), ...more };
  const ext = Object.keys(said).length > 0 ? Buffer.from(JSON.stringify(said)).toString('base64') : '';
  const text = `hawk.1.header\n${ts}\n${nonce}\n${method}\n${path}\n${host}\n${port}\n\n${ext}\n`;
  const mac = createHmac('sha256', accessToken).update(text).digest('base64');
  return `Hawk id="${clientId}", ts="${ts}", nonce="${nonce}"${ext ? `, ext="${ext}"` : ''}, mac="${mac}"`;
};

/** Answers a function that makes a signed request, as the bytes that go over the wire; its `signature` alone signs. */
export const requestsTo = (rootUrl) => {
  const { hostname: host, port } = new URL(rootUrl);
  const signature = (method, path, credentials, ext) => hawk({ method, path, host, port }, credentials, ext);
  const request = (method, path, { body, credentials, ext } = {}) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}:${port}`];
    if (credentials) lines.push(`authorization: ${signature(method, path, credentials, ext)}`);
    if (body !== undefined) lines.push('content-type: application/json');
    if (method !== 'GET') lines.push(`content-length: ${Buffer.byteLength(text)}`);
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`);
  };
  return Object.assign(request, { signature });
};

const endOfHead = Buffer.from('\r\n\r\n');

/** Reads a whole chunked body; undefined while some of it is missing. */
const unchunk = (bytes) => {
  const parts = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    const next = end + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
  }
};

/** The reply in some bytes; undefined while it is incomplete. */
const parse = (bytes) => {
  const end = bytes.indexOf(endOfHead);
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const rest = bytes.subarray(end + 4);
  if (head.includes('transfer-encoding: chunked')) {
    const body = unchunk(rest);
    return body && { status, body };
  }
  const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
  return rest.length < length ? undefined : { status, body: rest.subarray(0, length) };
};

/** One kept connection that sends one request at a time; it is opened by the first. */
export const openConnection = (rootUrl) => {
  const { hostname, port } = new URL(rootUrl);
  let socket;
  let waiting;
  let chunks = [];

  const fail = (error) => {
    socket = undefined;
    const { reject } = waiting ?? {};
    waiting = undefined;
    reject?.(error);
  };
  const read = (chunk) => {
    chunks.push(chunk);
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    const answer = parse(bytes);
    if (!answer) {
      chunks = [bytes];
      return;
    }
    chunks = [];
    const { resolve } = waiting;
    waiting = undefined;
    resolve(answer);
  };
  const open = () => {
    const opened = connect({ host: hostname, port: Number(port), noDelay: true });
    opened.on('data', read);
    opened.on('error', fail);
    opened.on('close', () => {
      if (socket === opened) fail(new Error('The server closed the connection.'));
    });
    return opened;
  };

  return {
    /** Returns status and body of the reply. */
    exchange: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket ??= open();
        socket.write(request);
      }),
    close: () => {
      const closed = socket;
      socket = undefined;
      waiting = undefined;
      closed?.destroy();
    },
  };
};

/** The body of a successful reply; throws the message of another. */
export const bodyOf = ({ status, body }) => {
  if (status >= 300) throw new Error(`The server answered ${status}: ${body.toString().slice(0, 400)}`);
  return body;
};

/** The same, parsed. */
export const jsonOf = (answer) => JSON.parse(bodyOf(answer).toString());
