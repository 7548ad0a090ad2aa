/**
 * All pages of a listing of EC2. A page that repeats the token that it was asked for is the last one: some answers do,
 * and would be read for ever.
 */
export async function* allPages<Page extends { readonly NextToken?: string | undefined }>(
  read: (token: { NextToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let asked: string | undefined;
  for (;;) {
    const page = await read(asked === undefined ? {} : { NextToken: asked });
    yield page;
    const next = page.NextToken || undefined;
    if (next === undefined || next === asked) return;
    asked = next;
  }
}
