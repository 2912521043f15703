export { TidemarkError } from './errors.ts';
