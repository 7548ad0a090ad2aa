/** A name as routing keys and lists of builds carry it: a period would separate words. */
export const sanitized = (name: string): string => name.replaceAll('.', '%').replace(/[^a-zA-Z0-9-_%]/g, '');

/** A name as it is looked for: GitHub does not tell upper from lower case, and people write either form. */
export const keyOf = (name: string): string => sanitized(name).toLowerCase();

/** The two parts of `owner/name`. */
export const partsOf = (fullName: string): { organization: string; repository: string } => {
  const [organization = '', repository = ''] = fullName.split('/');
  return { organization, repository };
};
