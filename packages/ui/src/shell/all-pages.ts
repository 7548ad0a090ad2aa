interface Page {
  readonly continuationToken?: string | undefined;
}

/** So many pages at most: no one reads further, and the page stays quick. */
const pagesMax = 10;

/** The elements of all pages of a listing, as far as they are read. */
export const allPages = async <P extends Page, T>(
  read: (continuationToken: string | undefined) => Promise<P>,
  elements: (page: P) => readonly T[],
): Promise<T[]> => {
  const all: T[] = [];
  let token: string | undefined;
  for (let count = 0; count < pagesMax; count++) {
    const page = await read(token);
    all.push(...elements(page));
    token = page.continuationToken;
    if (!token) break;
  }
  return all;
};
