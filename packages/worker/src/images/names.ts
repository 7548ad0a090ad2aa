const digestPattern = /@sha256:[a-f0-9]{64}$/;

/** A name as a registry is asked for it: with the tag that is meant when none is given. */
export const fullName = (name: string): string => {
  if (name.includes('@')) return name;
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') ? name : `${name}:latest`;
};

/** The digest that a name demands: `sha256:…`. Such a name never means anything else. */
export const digestOf = (name: string): string | undefined => digestPattern.exec(name)?.[0].slice(1);

/** The name of an image from an archive: by the archive's sha256, whatever its own name. */
export const nameOfArchive = (sha256: string): string => `taskyard-image:${sha256}`;

/** Whether a name is one of those: only a task that may read the archive may use its image. */
export const isOfArchive = (name: string): boolean => /^(localhost\/)?taskyard-image(:|@|$)/.test(name);
