export { pageOf, pagePaths } from './page-paths.ts';
export { pageHeaders, readDocs, readSite, type Site, type SiteFile } from './site.ts';
export { type StartPage, startPage } from './start-page.ts';
