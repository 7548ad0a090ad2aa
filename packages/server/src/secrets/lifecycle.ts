/** A secret in the clear: a JSON object as text. */
export interface KeptSecret {
  readonly name: string;
  readonly text: string;
  readonly expires: Date;
}

/** A secret that a client sets. */
export interface SecretToSet extends KeptSecret {
  readonly clientId: string;
}

/** The change of a secret, and the client that made it. */
export interface SecretChange {
  readonly name: string;
  readonly clientId: string;
  readonly change: 'created' | 'updated' | 'deleted' | 'expired';
}

const isSame = (one: KeptSecret, other: KeptSecret): boolean =>
  one.text === other.text && one.expires.getTime() === other.expires.getTime();

/**
 * The changes that setting secrets one after another makes, and the value to keep under each name in the end. Setting a
 * secret to the value that it has changes nothing. A secret that has expired counts as not there.
 */
export const decideSets = (
  standing: readonly KeptSecret[],
  wanted: readonly SecretToSet[],
  now: Date,
): { readonly kept: KeptSecret[]; readonly changes: SecretChange[] } => {
  const current = new Map(standing.filter(({ expires }) => expires > now).map((one) => [one.name, one]));
  const kept = new Map<string, KeptSecret>();
  const changes: SecretChange[] = [];
  for (const { clientId, ...secret } of wanted) {
    const before = current.get(secret.name);
    if (before && isSame(before, secret)) continue;
    current.set(secret.name, secret);
    kept.set(secret.name, secret);
    changes.push({ name: secret.name, clientId, change: before ? 'updated' : 'created' });
  }
  return { kept: [...kept.values()], changes };
};
