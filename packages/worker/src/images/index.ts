export { type Images, openImages, type ProvidedImage, type Providing } from './images.ts';
