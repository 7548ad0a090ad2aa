import { verify, type X509Certificate } from 'node:crypto';
import type { SignedData } from 'pkijs';
import type { IdentityProof } from '../../schema/index.ts';

/** Far more than Amazon signs. */
const lengthMax = 20_000;

/** The text of a document that one of these certificates has signed; nothing when none has. */
export const documentIn = async (
  { document, signature }: IdentityProof,
  certificates: readonly X509Certificate[],
): Promise<string | undefined> => {
  if (document === undefined || document.length > lengthMax || (signature?.length ?? 0) > lengthMax) {
    return undefined;
  }
  if (signature === undefined) return contentOfPkcs7(fromBase64(document), certificates);
  const bytes = fromBase64(signature);
  // A signature is a number of the length of the key; an ASN.1 structure begins like this, and is far longer.
  const isPkcs7 = bytes[0] === 0x30 && bytes.length > 512;
  if (!isPkcs7) return certificates.some(signs(document, bytes)) ? document : undefined;
  const content = await contentOfPkcs7(bytes, certificates, Buffer.from(document));
  return content === document ? document : undefined;
};

/** Instances read base64 in lines, with or without a frame of dashes around it. */
const fromBase64 = (text: string): Buffer =>
  Buffer.from(text.replaceAll(/-----[A-Z0-9 ]+-----|\s/g, ''), 'base64');

const signs = (document: string, signature: Buffer) => (certificate: X509Certificate) => {
  if (certificate.publicKey.asymmetricKeyType !== 'rsa') return false;
  return verify('sha256', Buffer.from(document), certificate.publicKey, signature);
};

/** What a PKCS #7 structure holds, or goes with, if one of these has signed it. */
const contentOfPkcs7 = async (
  bytes: Buffer,
  certificates: readonly X509Certificate[],
  detached?: Buffer,
): Promise<string | undefined> => {
  const { Certificate, ContentInfo, SignedData } = await import('pkijs');
  let signed: SignedData;
  try {
    signed = new SignedData({ schema: ContentInfo.fromBER(bytes).content });
  } catch {
    return undefined;
  }
  if (signed.signerInfos.length !== 1) return undefined;
  const held = signed.encapContentInfo.eContent?.getValue();
  const content = held && held.byteLength > 0 ? Buffer.from(held) : detached;
  if (!content) return undefined;
  for (const { raw } of certificates) {
    // Only our own are used: the creator of a structure can put any certificates into it.
    signed.certificates = [Certificate.fromBER(raw)];
    const isSigned = await signed
      .verify({ signer: 0, ...(held ? {} : { data: arrayOf(content) }) })
      .catch(() => false);
    if (isSigned) return content.toString();
  }
  return undefined;
};

const arrayOf = (buffer: Buffer): ArrayBuffer => Uint8Array.from(buffer).buffer;
