/** A name as routing keys and lists of builds carry it: a period would separate words. */
export const sanitized = (name: string): string => name.replaceAll('.', '%').replace(/[^a-zA-Z0-9-_%]/g, '');

/** A name as it is looked for: GitHub does not tell upper from lower case, and people write either form. */
export const keyOf = (name: string): string => sanitized(name).toLowerCase();

/** Both names of a repository as they are looked for. */
export const keysOf = ({ organization, repository }: { organization: string; repository: string }) => ({
  organizationKey: keyOf(organization),
  repositoryKey: keyOf(repository),
});

/** The key of a repository whose name is another one's by now: nobody looks for it. */
export const keyWithoutName = (repositoryId: number): string => `#${repositoryId}`;

/** Whether a key is that of a repository without a name. */
export const isWithoutName = (repositoryKey: string): boolean => repositoryKey.startsWith('#');

/** The two parts of `owner/name`. */
export const partsOf = (fullName: string): { organization: string; repository: string } => {
  const [organization = '', repository = ''] = fullName.split('/');
  return { organization, repository };
};
