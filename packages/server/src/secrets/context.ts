import type { AuditEntry } from '../auth/index.ts';
import type { BaseContext, Encryption, Transaction } from '../base/index.ts';

/** What secrets are opened with. */
export interface Context extends BaseContext {
  readonly encryption: Encryption;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
}
