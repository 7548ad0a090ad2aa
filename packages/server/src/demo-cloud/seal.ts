import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** Signs as Amazon does, with a key and a certificate of its own. */
export interface Seal {
  /** In PEM. */
  readonly certificate: string;
  /** RSA over SHA-256, in base64. */
  sign(document: string): string;
  /** A PKCS #7 structure that holds the document, in base64. */
  wrap(document: string): Promise<string>;
}

const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};
const commonName = '2.5.4.3';
const contentOf = { data: '1.2.840.113549.1.7.1', signedData: '1.2.840.113549.1.7.2' };

const inLines = (base64: string, length: number): string =>
  base64.replaceAll(new RegExp(`(.{${length}})(?=.)`, 'g'), '$1\n');

/** Makes a key and a certificate that holds for ten years. */
export const createSeal = async (now: Date): Promise<Seal> => {
  const pki = await import('pkijs');
  const { BmpString, Integer, OctetString } = await import('asn1js');
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = new pki.Certificate();
  certificate.version = 2;
  certificate.serialNumber = new Integer({ value: 1 });
  for (const name of [certificate.issuer, certificate.subject]) {
    const value = new BmpString({ value: 'Taskyard demo cloud' });
    name.typesAndValues.push(new pki.AttributeTypeAndValue({ type: commonName, value }));
  }
  certificate.notBefore.value = now;
  certificate.notAfter.value = new Date(now.getTime());
  certificate.notAfter.value.setUTCFullYear(now.getUTCFullYear() + 10);
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey);
  await certificate.sign(keys.privateKey, 'SHA-256');
  const der = Buffer.from(certificate.toSchema().toBER()).toString('base64');
  const key: KeyObject = createPrivateKey({
    key: Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${inLines(der, 64)}\n-----END CERTIFICATE-----\n`,
    sign: (document) => sign('sha256', Buffer.from(document), key).toString('base64'),
    wrap: async (document) => {
      const content = new pki.EncapsulatedContentInfo({ eContentType: contentOf.data });
      content.eContent = new OctetString({ valueHex: Uint8Array.from(Buffer.from(document)).buffer });
      const signed = new pki.SignedData({
        version: 1,
        encapContentInfo: content,
        signerInfos: [
          new pki.SignerInfo({
            version: 1,
            sid: new pki.IssuerAndSerialNumber({
              issuer: certificate.issuer,
              serialNumber: certificate.serialNumber,
            }),
          }),
        ],
      });
      await signed.sign(keys.privateKey, 0, 'SHA-256');
      const whole = new pki.ContentInfo({
        contentType: contentOf.signedData,
        content: signed.toSchema(true),
      });
      return inLines(Buffer.from(whole.toSchema().toBER()).toString('base64'), 64);
    },
  };
};
