export {
  certificateName,
  certificateOf,
  certifiedLogName,
  freezeLog,
  readAdditions,
  signatureName,
  writeCertificate,
} from './chain-of-trust.ts';
export { isShown, readSigningKey, type SigningKey } from './signing-key.ts';
