export { describeMistake, inFileOrder, listOf, type Mistake, MistakesError, suggestion } from './mistakes.ts';
export { inOrder } from './order.ts';
export { isExpression, type Rendered, type RenderMistake, render } from './render.ts';
export { parseSource, type Source } from './source.ts';
export { type Refusal, type Validate, validatorOf } from './validate.ts';
export { type Fields, isFields, mergeOver, type Path } from './values.ts';
