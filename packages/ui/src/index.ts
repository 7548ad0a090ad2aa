export { type StartPage, startPage } from './start-page.ts';
