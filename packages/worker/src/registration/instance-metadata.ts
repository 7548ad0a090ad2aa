import { type Clock, minutes } from '../clock.ts';

/** The metadata that a cloud gives an instance about itself. */
export interface InstanceMetadata {
  /** The text at a path below `/latest/`; undefined where nothing is. Throws when the service does not answer. */
  read(path: string): Promise<string | undefined>;
}

/** Where every instance of EC2 finds it. */
export const defaultMetadataEndpoint = 'http://169.254.169.254';

const tokenSeconds = 21_600;
// Well before its end, which is six hours after it was given.
const renewTokenAfterMs = minutes(60);
const timeoutMs = 2000;

/** The metadata service of EC2 in its second version, which wants a token with every request. */
export const instanceMetadata = (endpoint: string, clock: Clock): InstanceMetadata => {
  const base = endpoint.replace(/\/+$/, '');
  let token: { readonly text: string; readonly givenAt: number } | undefined;

  const newToken = async (): Promise<string> => {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds) };
    const signal = AbortSignal.timeout(timeoutMs);
    const reply = await fetch(`${base}/latest/api/token`, { method: 'PUT', headers, signal });
    if (!reply.ok) throw new Error(`The instance's metadata service gave no token: HTTP ${reply.status}`);
    const text = await reply.text();
    token = { text, givenAt: clock.now().getTime() };
    return text;
  };
  const currentToken = async (): Promise<string> => {
    const isFresh = token !== undefined && clock.now().getTime() - token.givenAt < renewTokenAfterMs;
    return isFresh && token ? token.text : newToken();
  };
  const get = async (path: string): Promise<Response> =>
    fetch(`${base}/latest/${path}`, {
      headers: { 'x-aws-ec2-metadata-token': await currentToken() },
      signal: AbortSignal.timeout(timeoutMs),
    });

  return {
    read: async (path) => {
      let reply = await get(path);
      if (reply.status === 401) {
        // The service has forgotten the token: it was restarted.
        token = undefined;
        await reply.body?.cancel();
        reply = await get(path);
      }
      const text = await reply.text();
      if (reply.status === 404) return undefined;
      if (!reply.ok) throw new Error(`The instance's metadata service answered ${path} with ${reply.status}`);
      return text;
    },
  };
};
