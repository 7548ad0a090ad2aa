import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { minutes } from '../base/index.ts';
import { Ec2Error } from './query-api.ts';

/** A request as it is signed. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/ec2\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const skewMaxMs = minutes(5);

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const timeIn = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** Checks a signature of version 4 over a request without a query; returns the region that it is for. */
export const verifySignature = (request: SignedRequest, keys: Keys, now: Date): string => {
  const parts = form.exec(String(request.headers.authorization));
  if (!parts) throw new Ec2Error('AuthFailure', 'The request is not signed', 401);
  const [, accessKeyId = '', day = '', region = '', signed = '', signature = ''] = parts;
  const date = String(request.headers['x-amz-date']);
  if (Math.abs(timeIn(date) - now.getTime()) > skewMaxMs || !date.startsWith(day)) {
    throw new Ec2Error('RequestExpired', 'The request was not signed now');
  }
  const names = signed.split(';');
  if (!['host', 'x-amz-date'].every((name) => names.includes(name))) {
    throw new Ec2Error('AuthFailure', 'Host and date are not signed', 401);
  }
  const canonical = [
    request.method,
    request.path,
    '',
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signed,
    hash(request.body),
  ].join('\n');
  const scope = `${day}/${region}/ec2/aws4_request`;
  const secret = [day, region, 'ec2', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${keys.secretAccessKey}`,
  );
  const expected = hmac(secret, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n'));
  const isRight = timingSafeEqual(expected, Buffer.from(signature, 'hex'));
  if (accessKeyId !== keys.accessKeyId || !isRight) {
    throw new Ec2Error('AuthFailure', 'The access key, or the signature, is not right', 401);
  }
  return region;
};
