export { ImageUnavailable } from './image-unavailable.ts';
export { type Images, openImages, type ProvidedImage, type Providing } from './images.ts';
